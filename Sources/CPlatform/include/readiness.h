/// epoll(7), eventfd(2) and accept4(2), which Swift's Glibc module does not show.
#ifndef VOLLEY_PLATFORM_READINESS_H
#define VOLLEY_PLATFORM_READINESS_H

#include <stdint.h>
#include <sys/socket.h>

/// A descriptor became ready.
typedef struct platform_ready {
  /// What `platform_epoll_add` was given for it.
  uint64_t tag;
  /// `PLATFORM_…` below, or-ed.
  uint32_t events;
} platform_ready;

/// The values of EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP and EPOLLRDHUP.
#define PLATFORM_READABLE 0x001u
#define PLATFORM_WRITABLE 0x004u
#define PLATFORM_BROKEN 0x008u
#define PLATFORM_HUNG_UP 0x010u
#define PLATFORM_PEER_ENDED 0x2000u

/// An epoll that is closed on exec, or -1 with errno.
int platform_epoll_make(void);

/// Watches a descriptor, edge-triggered, for all of the above. Returns 0, or -1 with errno.
int platform_epoll_add(int epoll, int descriptor, uint64_t tag);

/// Ends that. Returns 0, or -1 with errno.
int platform_epoll_remove(int epoll, int descriptor);

/// As many events as a wait returns at most.
#define PLATFORM_READY_LIMIT 256

/// Waits for events, for ever when `milliseconds` is negative. Returns how many there are, at most `capacity` and
/// `PLATFORM_READY_LIMIT`; 0 when a signal or the time ended the wait; -1 with errno.
int platform_epoll_wait(int epoll, platform_ready *ready, int capacity, int milliseconds);

/// An eventfd that does not block and is closed on exec, or -1 with errno.
int platform_wakeup_make(void);

/// Makes an eventfd readable, each time anew for an edge-triggered watcher, so that nobody has to read it. Never blocks.
void platform_wakeup_raise(int descriptor);

/// Accepts a connection whose descriptor does not block and is closed on exec. Returns it, or -1 with errno.
int platform_accept(int listener, struct sockaddr *address, socklen_t *length);

#endif
