#ifndef VOLLEY_PLATFORM_THREAD_LOCAL_H
#define VOLLEY_PLATFORM_THREAD_LOCAL_H

/// The calling thread's buffer pool, owned by `Arrow`: NULL until it has one.
extern _Thread_local void *platform_thread_pool_word;

static inline void *platform_thread_pool(void) { return platform_thread_pool_word; }

/// Sets the calling thread's pool; `drop` is called with it when the thread ends.
void platform_set_thread_pool(void *pool, void (*drop)(void *));

#endif
