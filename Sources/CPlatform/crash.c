#define _GNU_SOURCE
#include "crash.h"
#include "code_owner.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

_Thread_local const platform_call_site *platform_current_call_word;

static platform_crash_report *report;

static void copy_text(char *to, size_t capacity, const char *from) {
  size_t i = 0;
  if (from)
    for (; i + 1 < capacity && from[i]; i++) to[i] = from[i];
  to[i] = 0;
}

// Async-signal-safe: touches the shared pages, the thread's own word and what was noted of plugins' code. False when
// another thread was first. Without a context only the word says who was running.
static int write_report(int signal_number, const void *address, const void *context, const platform_shortage *shortage) {
  uint32_t none = PLATFORM_CRASH_NONE;
  if (!__atomic_compare_exchange_n(&report->ready, &none, PLATFORM_CRASH_WRITING, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    return 0;
  const platform_call_site *site = platform_current_call_word;
  const char *plugin = site ? site->plugin : context ? platform_code_owner(context) : 0;
  copy_text(report->plugin, sizeof report->plugin, plugin);
  copy_text(report->function, sizeof report->function, site ? site->function : 0);
  copy_text(report->call, sizeof report->call, site ? site->call : 0);
  report->address = (uint64_t)(uintptr_t)address;
  report->signal = signal_number;
  if (shortage) {
    report->shortage = *shortage;
    report->ran_short = 1;
  }
  __atomic_store_n(&report->ready, PLATFORM_CRASH_WRITTEN, __ATOMIC_RELEASE);
  return 1;
}

// What another thread writes of itself is whole, or a second has passed.
static void await_report(void) {
  struct timespec pause = {0, 1000000};
  for (int i = 0; i < 1000 && __atomic_load_n(&report->ready, __ATOMIC_ACQUIRE) != PLATFORM_CRASH_WRITTEN; i++)
    nanosleep(&pause, 0);
}

static platform_shortage measure_shortage(const char *purpose, uint64_t asked) {
  platform_shortage shortage = {.asked = asked};
  copy_text(shortage.purpose, sizeof shortage.purpose, purpose);
  // "mapped resident …", in pages.
  char text[128];
  int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof text);
  if (fd >= 0) close(fd);
  uint64_t pages[2] = {0, 0};
  for (ssize_t i = 0, field = 0; i < length && field < 2; i++) {
    if (text[i] >= '0' && text[i] <= '9')
      pages[field] = pages[field] * 10 + (uint64_t)(text[i] - '0');
    else
      field++;
  }
  uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
  shortage.mapped = pages[0] * page;
  shortage.resident = pages[1] * page;
  return shortage;
}

static void on_crash(int signal_number, siginfo_t *info, void *context) {
  int ran_short = errno == ENOMEM && (signal_number == SIGABRT || signal_number == SIGTRAP || signal_number == SIGILL);
  platform_shortage shortage;
  if (ran_short) shortage = measure_shortage("", 0);
  // Another thread crashed first: dying now would end the process before its report is whole.
  if (!write_report(signal_number, info->si_addr, context, ran_short ? &shortage : 0)) await_report();
  signal(signal_number, SIG_DFL);
  // Blocked until the handler returns; a fault that repeats by itself then ends the process just the same.
  raise(signal_number);
}

// The worker itself leaves by _exit: this is exit, called by other code, in that code's thread.
static void on_exit_call(void) { write_report(0, 0, 0, 0); }

platform_crash_report *platform_make_crash_report(int *descriptor) {
  int fd = memfd_create("volley-crash-report", 0);
  if (fd < 0) return 0;
  if (ftruncate(fd, sizeof(platform_crash_report)) != 0) goto fail;
  void *page = mmap(0, sizeof(platform_crash_report), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (page == MAP_FAILED) goto fail;
  *descriptor = fd;
  return page;
fail:;
  int reason = errno;
  close(fd);
  errno = reason;
  return 0;
}

void platform_drop_crash_report(platform_crash_report *dropped) { munmap(dropped, sizeof *dropped); }

int platform_install_crash_handlers(int descriptor) {
  void *page = mmap(0, sizeof(platform_crash_report), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (page == MAP_FAILED) return -1;
  close(descriptor);
  report = page;
  atexit(on_exit_call);
  platform_note_own_code();
  static const int signals[] = {SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_crash;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    if (sigaction(signals[i], &action, 0) != 0) return -1;
  }
  return platform_use_crash_stack();
}

static int append_text(const char *text, char end) {
  size_t length = strlen(text);
  uint32_t at = report->plugin_paths_length;
  if (at + length + 1 > sizeof report->plugin_paths) return 0;
  memcpy(report->plugin_paths + at, text, length);
  report->plugin_paths[at + length] = end;
  report->plugin_paths_length = at + (uint32_t)length + 1;
  return 1;
}

void platform_note_plugin(const char *name, const char *path) {
  if (!report) return;
  uint32_t before = report->plugin_paths_length;
  if (!append_text(name, '\t') || !append_text(path, '\n')) report->plugin_paths_length = before;
}

void platform_noted_plugin(const platform_crash_report *from, const char *name, char *path, size_t capacity) {
  path[0] = 0;
  size_t name_length = strlen(name);
  size_t end = from->plugin_paths_length;
  if (end > sizeof from->plugin_paths) end = sizeof from->plugin_paths;
  for (size_t at = 0; at < end;) {
    const char *line = from->plugin_paths + at;
    const char *line_end = memchr(line, '\n', end - at);
    if (!line_end) return;
    size_t length = (size_t)(line_end - line);
    if (length > name_length && line[name_length] == '\t' && memcmp(line, name, name_length) == 0) {
      size_t count = length - name_length - 1;
      if (count >= capacity) count = capacity - 1;
      memcpy(path, line + name_length + 1, count);
      path[count] = 0;
      return;
    }
    at += length + 1;
  }
}

void platform_note_start(void) {
  if (report) __atomic_store_n(&report->started, 1, __ATOMIC_RELEASE);
}

void platform_note_epoch(uint64_t epoch) {
  if (!report) return;
  __atomic_store_n(&report->newest_epoch, epoch, __ATOMIC_RELEASE);
  __atomic_fetch_add(&report->epochs, 1, __ATOMIC_ACQ_REL);
}

const platform_crash_report *platform_own_crash_report(void) { return report; }

void platform_note_search(uint32_t search) {
  if (report) __atomic_store_n(&report->search, search, __ATOMIC_RELEASE);
}

void platform_use_crash_report(platform_crash_report *other) { report = other; }

void platform_note_failure(const char *sentence) {
  if (report && !report->failure[0]) copy_text(report->failure, sizeof report->failure, sentence);
}

void platform_say_goodbye(void) {
  if (report) __atomic_store_n(&report->goodbye, 1, __ATOMIC_RELEASE);
}

void platform_end_without_memory(const char *purpose, uint64_t asked) {
  platform_shortage shortage = measure_shortage(purpose, asked);
  if (report) {
    if (!write_report(0, 0, 0, &shortage)) {
      // Another thread has ended the process first, or will in a moment: its end is the one that is told.
      await_report();
      sleep(1);
    }
    _exit(PLATFORM_EXIT_NO_MEMORY);
  }
  char line[256];
  int length = snprintf(line, sizeof line,
                        "out of memory: %llu bytes for %s could not be had when the process held %llu bytes, of %llu bytes of addresses; give it "
                        "more memory and run again\n",
                        (unsigned long long)asked, purpose, (unsigned long long)shortage.resident,
                        (unsigned long long)shortage.mapped);
  if (length > (int)sizeof line - 1) length = (int)sizeof line - 1;
  if (length > 0) (void)!write(STDERR_FILENO, line, (size_t)length);
  _exit(PLATFORM_EXIT_NO_MEMORY);
}

enum { crash_stack_bytes = 64 * 1024 };
static pthread_key_t stack_key;
static pthread_once_t stack_key_once = PTHREAD_ONCE_INIT;

static void drop_stack(void *stack) {
  stack_t off;
  memset(&off, 0, sizeof off);
  off.ss_flags = SS_DISABLE;
  sigaltstack(&off, 0);
  munmap(stack, crash_stack_bytes);
}

static void make_stack_key(void) { pthread_key_create(&stack_key, drop_stack); }

int platform_use_crash_stack(void) {
  pthread_once(&stack_key_once, make_stack_key);
  if (pthread_getspecific(stack_key)) return 0;
  void *memory = mmap(0, crash_stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return -1;
  stack_t stack;
  memset(&stack, 0, sizeof stack);
  stack.ss_sp = memory;
  stack.ss_size = crash_stack_bytes;
  if (sigaltstack(&stack, 0) != 0) return -1;
  pthread_setspecific(stack_key, memory);
  return 0;
}
