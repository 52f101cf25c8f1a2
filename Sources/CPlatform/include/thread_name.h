#ifndef VOLLEY_PLATFORM_THREAD_NAME_H
#define VOLLEY_PLATFORM_THREAD_NAME_H

/// Names the calling thread, for tools like top and gdb; what is longer than 15 bytes is cut.
void platform_name_thread(const char *name);

#endif
