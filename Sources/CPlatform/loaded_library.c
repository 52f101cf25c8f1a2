#define _GNU_SOURCE
#include "loaded_library.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>

int platform_loaded_library(const char *name, char *path, size_t capacity) {
  void *handle = dlopen(name, RTLD_LAZY | RTLD_NOLOAD);
  if (!handle) return 0;
  struct link_map *map = 0;
  int found = dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && map && strlen(map->l_name) < capacity;
  if (found) strcpy(path, map->l_name);
  dlclose(handle);
  return found;
}
