#include "allocation_counter.h"

#include <errno.h>
#include <stddef.h>

static __thread unsigned long count;

unsigned long allocation_count(void) { return count; }

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)

// A sanitizer has a malloc of its own, which tells who asks.
int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void *, size_t), void (*)(const volatile void *));

static void made(const volatile void *block, size_t size) { count += 1; }
static void freed(const volatile void *block) {}

__attribute__((constructor)) static void install(void) { __sanitizer_install_malloc_and_free_hooks(made, freed); }

#else

// What the program defines comes before what glibc does, also for the Swift runtime; these are glibc's own names.
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) {
  count += 1;
  return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
  count += 1;
  return __libc_calloc(number, size);
}

void *realloc(void *block, size_t size) {
  count += 1;
  return __libc_realloc(block, size);
}

void *memalign(size_t alignment, size_t size) {
  count += 1;
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **block, size_t alignment, size_t size) {
  void *made = memalign(alignment, size);
  if (made == NULL) return ENOMEM;
  *block = made;
  return 0;
}

#endif
