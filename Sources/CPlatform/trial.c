#define _GNU_SOURCE
#include "trial.h"
#include "crash.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// One child at a time: a second one would hold the first one's end of its pipe open.
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
// Where a child says how it died, and what it writes.
static platform_crash_report *page;
static int told = -1;

static int prepare(void) {
  if (!page) {
    void *memory = mmap(0, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return -1;
    page = memory;
  }
  if (told < 0) told = memfd_create("volley-trial", MFD_CLOEXEC);
  if (told < 0 || ftruncate(told, 0) != 0 || lseek(told, 0, SEEK_SET) != 0) return -1;
  memset(page, 0, sizeof *page);
  return 0;
}

static _Noreturn void be_the_child(void (*body)(void *), void *argument, pid_t parent, int done) {
  // The parent's thread waits for it: whoever kills the parent kills the child.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(70);
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  dup2(told, STDOUT_FILENO);
  dup2(told, STDERR_FILENO);
  platform_use_crash_report(page);
  errno = 0;
  body(argument);
  while (write(done, "+", 1) < 0 && errno == EINTR) {}
  _exit(0);
}

static int64_t now_in_milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// How long a child has used the processor, in clock ticks, or whether it wants to; -1: unknown.
static long long used_time(pid_t child, int *wants) {
  char path[48], text[512];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)child);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  ssize_t count = read(file, text, sizeof text - 1);
  close(file);
  if (count <= 0) return -1;
  text[count] = 0;
  // Behind the name, which may have blanks and parentheses: proc(5), fields 3, 14 and 15.
  char *rest = strrchr(text, ')');
  char state;
  unsigned long long user, system;
  if (!rest
      || sscanf(rest + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &state, &user, &system) != 3)
    return -1;
  *wants = state == 'R' || state == 'D';
  return (long long)(user + system);
}

// What a child is asked for in these steps.
static const int64_t look_milliseconds = 50;

// One of PLATFORM_TRIAL_…; `PLATFORM_TRIAL_DIED`: it ended, however.
static unsigned await_child(pid_t child, int done, int64_t milliseconds, int64_t still_milliseconds) {
  int64_t now = now_in_milliseconds(), due = now + milliseconds, moved = now;
  long long used = 0;
  while (1) {
    if (now >= due) return PLATFORM_TRIAL_LATE;
    struct pollfd wait = {done, POLLIN, 0};
    int ready = poll(&wait, 1, (int)(due - now < look_milliseconds ? due - now : look_milliseconds));
    if (ready < 0 && errno != EINTR) return PLATFORM_TRIAL_LATE;
    if (ready > 0) {
      char byte;
      ssize_t count = read(done, &byte, 1);
      if (count >= 0 || errno != EINTR) return count == 1 ? PLATFORM_TRIAL_LIVED : PLATFORM_TRIAL_DIED;
    }
    now = now_in_milliseconds();
    int wants = 0;
    long long time = used_time(child, &wants);
    if (time < 0 || wants || time != used) moved = now;
    used = time;
    if (now - moved >= still_milliseconds) return PLATFORM_TRIAL_STILL;
  }
}

static void copy_field(char *to, const char *from, size_t capacity) {
  memcpy(to, from, capacity);
  to[capacity - 1] = 0;
}

static void tell_death(int status, platform_trial *trial) {
  trial->outcome = PLATFORM_TRIAL_DIED;
  // Somebody may have taken the status: a plugin that ignores its children does.
  trial->signal = WIFSIGNALED(status) ? WTERMSIG(status) : page->ready == PLATFORM_CRASH_WRITTEN ? page->signal : 0;
  if (trial->signal == SIGKILL || page->ran_short) {
    trial->outcome = PLATFORM_TRIAL_NONE;
    trial->reason = page->ran_short ? ENOMEM : 0;
    return;
  }
  copy_field(trial->plugin, page->plugin, sizeof trial->plugin);
  copy_field(trial->function, page->function, sizeof trial->function);
  copy_field(trial->call, page->call, sizeof trial->call);
  off_t end = lseek(told, 0, SEEK_END);
  off_t most = (off_t)sizeof trial->told - 1;
  ssize_t count = end <= 0 ? 0 : pread(told, trial->told, (size_t)(end < most ? end : most), end < most ? 0 : end - most);
  trial->told[count < 0 ? 0 : count] = 0;
}

static void try_alone(
    void (*body)(void *), void *argument, int64_t milliseconds, int64_t still_milliseconds, platform_trial *trial) {
  int done[2];
  if (prepare() != 0 || pipe2(done, O_CLOEXEC) != 0) {
    trial->reason = errno;
    return;
  }
  pid_t parent = getpid();
  pid_t child = fork();
  if (child == 0) be_the_child(body, argument, parent, done[1]);
  int reason = errno;
  close(done[1]);
  if (child < 0) {
    close(done[0]);
    trial->reason = reason;
    return;
  }
  unsigned outcome = await_child(child, done[0], milliseconds, still_milliseconds);
  close(done[0]);
  if (outcome == PLATFORM_TRIAL_LATE || outcome == PLATFORM_TRIAL_STILL) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  if (outcome == PLATFORM_TRIAL_DIED) {
    tell_death(status, trial);
  } else {
    trial->outcome = outcome;
  }
}

void platform_try(
    void (*body)(void *), void *argument, int64_t milliseconds, int64_t still_milliseconds, platform_trial *trial) {
  memset(trial, 0, sizeof *trial);
  trial->outcome = PLATFORM_TRIAL_NONE;
  pthread_mutex_lock(&one_at_a_time);
  try_alone(body, argument, milliseconds, still_milliseconds, trial);
  pthread_mutex_unlock(&one_at_a_time);
}
