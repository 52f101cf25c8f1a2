"""The one place where tests wait, always for a condition and with a deadline: for what happens in a folder (inotify(7)), or by asking
again and again. And where they let time pass that is what a test is about: nothing is hoped to have happened by then.
"""
import ctypes, os, select, time

_libc = ctypes.CDLL(None, use_errno=True)
_IN_MODIFY, _IN_MOVED_TO, _IN_CREATE = 0x2, 0x80, 0x100


class FolderWatch:
    def __init__(self, folder):
        self.descriptor = _libc.inotify_init1(os.O_CLOEXEC)
        mask = _IN_MODIFY | _IN_MOVED_TO | _IN_CREATE
        if self.descriptor < 0 or _libc.inotify_add_watch(self.descriptor, os.fsencode(folder), mask) < 0:
            raise OSError(ctypes.get_errno(), "cannot watch", folder)

    def wait_until(self, condition, what, limit):
        """Asks at first and after each event; what changed before is seen, because the watch is older."""
        end = time.monotonic() + limit
        while not condition():
            ready, _, _ = select.select([self.descriptor], [], [], max(0, end - time.monotonic()))
            assert ready, f"{what} did not come within {limit} s"
            os.read(self.descriptor, 65536)


def comes(condition, limit, goes_on=lambda: True, pause=0.002):
    """Whether the condition holds within the limit, while what makes it true goes on. Without a pause it asks as fast as it can: what
    is waited for may last less than a millisecond."""
    end = time.monotonic() + limit
    while not condition():
        if not goes_on():
            return bool(condition())
        if time.monotonic() >= end:
            return False
        if pause:
            time.sleep(pause)
    return True


def wait_until(condition, what, limit, goes_on=lambda: True, pause=0.002):
    """True when the condition holds; False when what makes it true does not go on. Fails when it did not come in time."""
    is_there = comes(condition, limit, goes_on, pause)
    assert is_there or not goes_on(), f"{what} did not come within {limit} s"
    return is_there


def any_moment(generator, seconds):
    """Lets a random time pass: what follows, such as a kill, may hit any moment, and the test holds for each."""
    time.sleep(generator.random() * seconds)


def let_pass(since, seconds):
    """Lets time pass that is longer than some limit, counted from a moment of the monotonic clock."""
    time.sleep(max(0, since + seconds - time.monotonic()))
