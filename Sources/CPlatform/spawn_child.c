#define _GNU_SOURCE
#include "spawn_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t platform_spawn_child(const char *path, char *const arguments[], char *const environment[]) {
  // A pipe that closes on exec tells the parent whether exec worked.
  int failure_pipe[2];
  if (pipe2(failure_pipe, O_CLOEXEC) != 0) return -1;
  pid_t parent = getpid();
  pid_t child = fork();
  if (child < 0) {
    int reason = errno;
    close(failure_pipe[0]);
    close(failure_pipe[1]);
    errno = reason;
    return -1;
  }
  if (child == 0) {
    // Async-signal-safe calls only until exec.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(70);
    execve(path, arguments, environment);
    int reason = errno;
    ssize_t written = write(failure_pipe[1], &reason, sizeof reason);
    (void)written;
    _exit(70);
  }
  close(failure_pipe[1]);
  int reason = 0;
  ssize_t count;
  do count = read(failure_pipe[0], &reason, sizeof reason);
  while (count < 0 && errno == EINTR);
  close(failure_pipe[0]);
  if (count == sizeof reason) {
    while (waitpid(child, 0, 0) < 0 && errno == EINTR) {}
    errno = reason;
    return -1;
  }
  return child;
}

int platform_parent_is(pid_t expected) { return getppid() == expected; }

int platform_ignores_signal(int signal_number) {
  struct sigaction action;
  return sigaction(signal_number, 0, &action) == 0 && action.sa_handler == SIG_IGN;
}
