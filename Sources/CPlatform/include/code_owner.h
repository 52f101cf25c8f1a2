/// Whose code a thread was running when it died in no plugin call: a plugin has threads of its own, such as those on
/// which the bodies of its async functions run.
#ifndef VOLLEY_PLATFORM_CODE_OWNER_H
#define VOLLEY_PLATFORM_CODE_OWNER_H

/// In the worker: the library that holds this address belongs to the plugin of that name, from now on and as long as
/// the process lives. Does nothing when no library holds it or when there is no room left. One thread at a time.
void platform_note_code(const char *plugin, const void *address);

/// In the worker, once, before signals are handled: what the program itself holds is the host's.
void platform_note_own_code(void);

/// From a signal handler, in one thread at a time: the plugin whose code was interrupted, or called the library's that
/// was; NULL when the host's own code is found first, or nothing.
///
/// Follows the frames, as far as those that it meets keep a frame pointer. Reads memory through the kernel, so that a
/// broken stack is the end of the search and not of the process.
///
/// - Parameter context: the handler's third argument, a `ucontext_t`.
const char *platform_code_owner(const void *context);

#endif
