#include "thread_local.h"

#include <pthread.h>

_Thread_local void *platform_thread_pool_word;

static pthread_key_t pool_key;
static pthread_once_t pool_key_once = PTHREAD_ONCE_INIT;
/* Always the same function, set by every thread. */
static void (*pool_drop)(void *);

static void drop_pool(void *pool) {
  platform_thread_pool_word = 0;
  void (*drop)(void *) = __atomic_load_n(&pool_drop, __ATOMIC_ACQUIRE);
  drop(pool);
}

static void make_pool_key(void) { pthread_key_create(&pool_key, drop_pool); }

void platform_set_thread_pool(void *pool, void (*drop)(void *)) {
  __atomic_store_n(&pool_drop, drop, __ATOMIC_RELEASE);
  pthread_once(&pool_key_once, make_pool_key);
  platform_thread_pool_word = pool;
  pthread_setspecific(pool_key, pool);
}
