#define _GNU_SOURCE
#include "code_owner.h"

#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

// Executable memory of one owner. The host has no name.
typedef struct code_range {
  uintptr_t start;
  uintptr_t end;
  char plugin[128];
} code_range;

enum { most_ranges = 256, most_frames = 64 };
static code_range ranges[most_ranges];
// Published last: a handler sees ranges that are whole.
static uint32_t range_count;
// What is read from memory that may not be there goes through it.
static int probe[2] = {-1, -1};

typedef struct search {
  const char *plugin;
  uintptr_t address;
} search;

static void add_ranges(const struct dl_phdr_info *info, const char *plugin) {
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    uint32_t count = range_count;
    if (header->p_type != PT_LOAD || !(header->p_flags & PF_X) || count == most_ranges) continue;
    code_range *range = &ranges[count];
    range->start = info->dlpi_addr + header->p_vaddr;
    range->end = range->start + header->p_memsz;
    size_t length = strnlen(plugin, sizeof range->plugin - 1);
    memcpy(range->plugin, plugin, length);
    range->plugin[length] = 0;
    __atomic_store_n(&range_count, count + 1, __ATOMIC_RELEASE);
  }
}

static int add_if_holds(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size;
  const search *wanted = data;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    if (header->p_type != PT_LOAD || wanted->address - (info->dlpi_addr + header->p_vaddr) >= header->p_memsz) continue;
    add_ranges(info, wanted->plugin);
    return 1;
  }
  return 0;
}

void platform_note_code(const char *plugin, const void *address) {
  search wanted = {plugin, (uintptr_t)address};
  dl_iterate_phdr(add_if_holds, &wanted);
}

void platform_note_own_code(void) {
  if (probe[0] < 0 && pipe2(probe, O_CLOEXEC | O_NONBLOCK) != 0) probe[0] = probe[1] = -1;
  platform_note_code("", (const void *)(uintptr_t)platform_note_own_code);
}

static const code_range *range_of(uintptr_t pc) {
  uint32_t count = __atomic_load_n(&range_count, __ATOMIC_ACQUIRE);
  for (uint32_t i = 0; i < count; i++)
    if (pc >= ranges[i].start && pc < ranges[i].end) return &ranges[i];
  return 0;
}

// A frame: the caller's frame pointer, and where it goes on. False when there is no such memory.
static int read_frame(uintptr_t at, uintptr_t frame[2]) {
  const ssize_t size = 2 * sizeof *frame;
  return at % sizeof *frame == 0 && write(probe[1], (const void *)at, (size_t)size) == size
         && read(probe[0], frame, (size_t)size) == size;
}

const char *platform_code_owner(const void *context) {
  const mcontext_t *machine = &((const ucontext_t *)context)->uc_mcontext;
#if defined(__x86_64__)
  uintptr_t pc = (uintptr_t)machine->gregs[REG_RIP], at = (uintptr_t)machine->gregs[REG_RBP];
#elif defined(__aarch64__)
  uintptr_t pc = machine->pc, at = machine->regs[29];
#else
#error "where a thread was is not known for this machine"
#endif
  for (int i = 0; i < most_frames; i++) {
    const code_range *range = range_of(pc);
    if (range) return range->plugin[0] ? range->plugin : 0;
    // Swift marks the frames of async functions there.
    at &= ~((uintptr_t)1 << 60);
    uintptr_t frame[2];
    if (at == 0 || !read_frame(at, frame)) return 0;
    at = frame[0];
    // The call itself, and not what follows it.
    pc = frame[1] - 1;
  }
  return 0;
}
