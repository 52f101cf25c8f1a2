#include "volley_current.h"

static _Thread_local void *current;

void *volley_get_current(void) { return current; }

void volley_set_current(void *instance) { current = instance; }
