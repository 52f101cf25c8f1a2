"""Waits for what happens in a folder instead of asking again and again (inotify(7))."""
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
