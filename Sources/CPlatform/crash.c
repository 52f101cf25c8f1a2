#define _GNU_SOURCE
#include "crash.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

_Thread_local const platform_call_site *platform_current_call_word;

static platform_crash_report *report;

static void copy_text(char *to, size_t capacity, const char *from) {
  size_t i = 0;
  if (from)
    for (; i + 1 < capacity && from[i]; i++) to[i] = from[i];
  to[i] = 0;
}

// Async-signal-safe: touches the shared page and the thread's own word only.
static void on_crash(int signal_number, siginfo_t *info, void *unused) {
  (void)unused;
  if (report && !__atomic_exchange_n(&report->ready, 1, __ATOMIC_ACQ_REL)) {
    const platform_call_site *site = platform_current_call_word;
    copy_text(report->plugin, sizeof report->plugin, site ? site->plugin : 0);
    copy_text(report->function, sizeof report->function, site ? site->function : 0);
    copy_text(report->call, sizeof report->call, site ? site->call : 0);
    report->address = (uint64_t)(uintptr_t)info->si_addr;
    report->signal = signal_number;
    __atomic_store_n(&report->ready, 2, __ATOMIC_RELEASE);
  }
  signal(signal_number, SIG_DFL);
  // A synchronous fault repeats by itself when the handler returns; abort and kill have to be raised again.
  raise(signal_number);
}

platform_crash_report *platform_make_crash_report(int *descriptor) {
  int fd = memfd_create("volley-crash-report", 0);
  if (fd < 0) return 0;
  if (ftruncate(fd, sizeof(platform_crash_report)) != 0) goto fail;
  void *page = mmap(0, sizeof(platform_crash_report), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (page == MAP_FAILED) goto fail;
  *descriptor = fd;
  return page;
fail:;
  int reason = errno;
  close(fd);
  errno = reason;
  return 0;
}

int platform_install_crash_handlers(int descriptor) {
  void *page = mmap(0, sizeof(platform_crash_report), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (page == MAP_FAILED) return -1;
  report = page;
  static const int signals[] = {SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_crash;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    if (sigaction(signals[i], &action, 0) != 0) return -1;
  }
  return platform_use_crash_stack();
}

enum { crash_stack_bytes = 64 * 1024 };
static pthread_key_t stack_key;
static pthread_once_t stack_key_once = PTHREAD_ONCE_INIT;

static void drop_stack(void *stack) {
  stack_t off;
  memset(&off, 0, sizeof off);
  off.ss_flags = SS_DISABLE;
  sigaltstack(&off, 0);
  munmap(stack, crash_stack_bytes);
}

static void make_stack_key(void) { pthread_key_create(&stack_key, drop_stack); }

int platform_use_crash_stack(void) {
  pthread_once(&stack_key_once, make_stack_key);
  if (pthread_getspecific(stack_key)) return 0;
  void *memory = mmap(0, crash_stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return -1;
  stack_t stack;
  memset(&stack, 0, sizeof stack);
  stack.ss_sp = memory;
  stack.ss_size = crash_stack_bytes;
  if (sigaltstack(&stack, 0) != 0) return -1;
  pthread_setspecific(stack_key, memory);
  return 0;
}
