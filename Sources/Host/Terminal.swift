import Glibc

/// A line to standard output, for people.
func printLine(_ text: String) { printText(text + "\n") }

/// Text to standard output, at once. A reader that went away is no error worth telling.
func printText(_ text: String) { _ = writeAll(Array(text.utf8), to: STDOUT_FILENO) }

/// A line to standard error, in one write, so that lines of several processes do not mix.
func complain(_ text: String) { _ = writeAll(Array((text + "\n").utf8), to: STDERR_FILENO) }
