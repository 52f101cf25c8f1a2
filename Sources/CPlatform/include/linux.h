/// Calls of Linux and GNU that Swift's Glibc module does not show.
#ifndef VOLLEY_PLATFORM_LINUX_H
#define VOLLEY_PLATFORM_LINUX_H

/// Cores in the affinity mask of this process, or -1 with errno.
int platform_affinity_count(void);

/// Puts each path in the other's place, in one step. Returns 0, or -1 with errno.
int platform_exchange_paths(const char *left, const char *right);

/// Removes a folder with all that is in it, without following links. Returns 0, or -1 with errno.
int platform_remove_tree(const char *path);

#endif
