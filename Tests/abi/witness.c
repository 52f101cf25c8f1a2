// A plugin that stands before another one, WITNESSED, and counts each call of each slot, in both directions, in the file WITNESS:
// one 64-bit counter a slot, in the order of slots.h, which witness.py writes from volley.abi.
//
// Slots are replaced where they are, by a few instructions that count and go on to where the slot led: so it needs to know of no
// signature, and nobody can tell. The slots by which tables are handed over, `plan`, `create` and `interface`, lead through here, to
// find those tables.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "volley.h"

#include "slots.h"  // Behind volley.h: struct table_slots { name, count, slots { offset, number } }, by table.

#ifndef __x86_64__
#error "the witness writes machine code of x86-64"
#endif

VOLLEY_DEFINE_NOTE("witness", "C");

static uint64_t *counters;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

// What the slots that lead through here led to, by the table that has them.
static struct {
  const void *table, *former;
} formers[4096];
static size_t former_count;

static const void *former_of(const void *table) {
  for (size_t index = former_count; index-- > 0;) {
    if (formers[index].table == table) return formers[index].former;
  }
  abort();
}

static void *stub(uint32_t number, const void *target) {
  static uint8_t *memory;
  static size_t used = 1 << 16;
  if (used + 32 > 1 << 16) {
    memory = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) abort();
    used = 0;
  }
  uint8_t *code = memory + used;
  const uint64_t *counter = counters + number;
  memcpy(code, "\x49\xbb", 2), memcpy(code + 2, &counter, 8);     // mov r11, counter
  memcpy(code + 10, "\xf0\x49\xff\x03", 4);                       // lock inc qword [r11]
  memcpy(code + 14, "\x49\xbb", 2), memcpy(code + 16, &target, 8);  // mov r11, target
  memcpy(code + 24, "\x41\xff\xe3", 3);                           // jmp r11
  used += 32;
  return code;
}

/// Replaces the slots of a table, once; `through` is where the slot `leading`, if any, goes on to instead.
static void watch(const void *table, const struct table_slots *slots, const char *leading, const void *through) {
  static const void *watched[4096];
  static size_t watched_count;
  pthread_mutex_lock(&lock);
  int is_new = 1;
  for (size_t index = 0; index < watched_count; index++) is_new &= watched[index] != table;
  if (!is_new) {
    pthread_mutex_unlock(&lock);
    return;
  }
  if (watched_count == sizeof watched / sizeof *watched) abort();
  watched[watched_count++] = table;
  const uint32_t size = ((const volley_header *)table)->size;
  const uintptr_t page = (uintptr_t)getpagesize(), start = (uintptr_t)table & ~(page - 1);
  mprotect((void *)start, ((uintptr_t)table + size - start + page - 1) & ~(page - 1), PROT_READ | PROT_WRITE);
  for (uint32_t index = 0; index < slots->count; index++) {
    const struct slot *slot = &slots->slots[index];
    if (slot->offset + sizeof(void *) > size) continue;
    const void **place = (const void **)((char *)table + slot->offset);
    if (*place == NULL) continue;
    if (leading != NULL && strcmp(slot->name, leading) == 0) {
      formers[former_count].table = table;
      formers[former_count++].former = *place;
      *place = stub(slot->number, through);
    } else {
      *place = stub(slot->number, *place);
    }
  }
  pthread_mutex_unlock(&lock);
}

static const void *interface(const volley_host *host, const char *id) {
  const void *(*former)(const volley_host *, const char *) = former_of(NULL);
  const void *table = former(host, id);
  for (size_t index = 0; table != NULL && index < sizeof interfaces / sizeof *interfaces; index++) {
    if (strcmp(interfaces[index].id, id) == 0) watch(table, interfaces[index].slots, NULL, NULL);
  }
  return table;
}

/// The host's: made for one instance, and so maybe at the place of one that is gone.
static void watch_host(const volley_host *host) {
  static void *replacement;
  pthread_mutex_lock(&lock);
  volley_host *mutable = (volley_host *)host;
  if (replacement == NULL) {
    // All hosts have the same function.
    formers[former_count].table = NULL;
    formers[former_count++].former = (const void *)host->interface;
    replacement = stub(VOLLEY_HOST_INTERFACE, (const void *)interface);
  }
  if ((void *)host->interface != replacement) memcpy(&mutable->interface, &replacement, sizeof replacement);
  pthread_mutex_unlock(&lock);
}

static int32_t made(int32_t status, uint32_t kind, const volley_instance *instance) {
  for (size_t index = 0; status == VOLLEY_OK && index < sizeof kinds / sizeof *kinds; index++) {
    if (kinds[index].kind == kind) watch(instance->table, kinds[index].slots, NULL, NULL);
  }
  return status;
}

#define CREATE(type)                                                                                                  \
  static int32_t create_of_##type(const type *owner, const volley_host *host, uint32_t kind, const volley_context *place, \
                                  volley_instance *instance, volley_error *error) {                                    \
    int32_t (*former)(const type *, const volley_host *, uint32_t, const volley_context *, volley_instance *,          \
                      volley_error *) = former_of(owner);                                                              \
    watch_host(host);                                                                                                  \
    return made(former(owner, host, kind, place, instance, error), kind, instance);                                    \
  }
CREATE(volley_plan)
CREATE(volley_connector)
CREATE(volley_codec)

static int32_t plan(const volley_pipeline *pipeline, const char *values, uint64_t length, volley_plan *made_plan,
                    volley_error *error) {
  int32_t (*former)(const volley_pipeline *, const char *, uint64_t, volley_plan *, volley_error *) = former_of(pipeline);
  int32_t status = former(pipeline, values, length, made_plan, error);
  if (status == VOLLEY_OK) watch(made_plan, &slots_of_volley_plan, "create", (const void *)create_of_volley_plan);
  return status;
}

__attribute__((visibility("default"))) const volley_plugin *volley_plugin_root(void);

__attribute__((visibility("default"))) const volley_plugin *volley_plugin_root(void) {
  static const volley_plugin *root;
  if (root != NULL) return root;
  int file = open(WITNESS, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ftruncate(file, SLOT_COUNT * 8) != 0) abort();
  counters = mmap(NULL, SLOT_COUNT * 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (counters == MAP_FAILED) abort();
  void *library = dlopen(WITNESSED, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == NULL) abort();
  const volley_plugin *(*former)(void) = (const volley_plugin *(*)(void))dlsym(library, "volley_plugin_root");
  const volley_plugin *plugin = former();
  for (uint32_t index = 0; plugin->pipeline(index) != NULL; index++)
    watch(plugin->pipeline(index), &slots_of_volley_pipeline, "plan", (const void *)plan);
  for (uint32_t index = 0; plugin->connector(index) != NULL; index++)
    watch(plugin->connector(index), &slots_of_volley_connector, "create", (const void *)create_of_volley_connector);
  for (uint32_t index = 0; VOLLEY_HAS(plugin, codec) && plugin->codec(index) != NULL; index++)
    watch(plugin->codec(index), &slots_of_volley_codec, "create", (const void *)create_of_volley_codec);
  watch(plugin, &slots_of_volley_plugin, NULL, NULL);
  return root = plugin;
}
