/// The instance whose code runs on the calling thread, so that user code without a context of its own can log and count.
/// Not part of the boundary.
#ifndef VOLLEY_CURRENT_H
#define VOLLEY_CURRENT_H

/// What `volley_set_current` was last given on this thread, NULL at first.
void *volley_get_current(void);
void volley_set_current(void *instance);

#endif
