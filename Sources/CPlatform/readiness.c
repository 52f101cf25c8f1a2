#define _GNU_SOURCE
#include "readiness.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

_Static_assert(PLATFORM_READABLE == EPOLLIN && PLATFORM_WRITABLE == EPOLLOUT, "the events of epoll_ctl(2)");
_Static_assert(PLATFORM_BROKEN == EPOLLERR && PLATFORM_HUNG_UP == EPOLLHUP, "the events of epoll_ctl(2)");
_Static_assert(PLATFORM_PEER_ENDED == EPOLLRDHUP, "the events of epoll_ctl(2)");

int platform_epoll_make(void) { return epoll_create1(EPOLL_CLOEXEC); }

int platform_epoll_add(int epoll, int descriptor, uint64_t tag) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.u64 = tag}};
  return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

int platform_epoll_remove(int epoll, int descriptor) {
  struct epoll_event unused = {0};
  return epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, &unused);
}

int platform_epoll_wait(int epoll, platform_ready *ready, int capacity, int milliseconds) {
  struct epoll_event events[PLATFORM_READY_LIMIT];
  int limit = capacity < PLATFORM_READY_LIMIT ? capacity : PLATFORM_READY_LIMIT;
  int count = epoll_wait(epoll, events, limit, milliseconds);
  if (count < 0) return errno == EINTR ? 0 : -1;
  // The kernel's struct is packed on some machines and not on others: Swift is given one of our own.
  for (int index = 0; index < count; index++) {
    ready[index].tag = events[index].data.u64;
    ready[index].events = events[index].events;
  }
  return count;
}

int platform_wakeup_make(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

void platform_wakeup_raise(int descriptor) {
  // It fails only when the count is full, after 2^64 calls.
  (void)!eventfd_write(descriptor, 1);
}

int platform_accept(int listener, struct sockaddr *address, socklen_t *length) {
  return accept4(listener, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
