import Glibc

/// A set of signals.
func signalSet(_ numbers: [Int32]) -> sigset_t {
  var set = sigset_t()
  sigemptyset(&set)
  for number in numbers { sigaddset(&set, number) }
  return set
}

/// Blocks signals in this thread and those that it starts, so that `sigwait` gets them. A blocked signal reaches even PID 1.
func blockSignals(_ numbers: [Int32]) {
  var set = signalSet(numbers)
  pthread_sigmask(SIG_BLOCK, &set, nil)
}

/// A NULL-terminated array of C strings, as exec takes it; valid inside `body` only.
func withCStrings<Result>(_ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result) -> Result
{
  let pointers: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) } + [nil]
  defer { for pointer in pointers { free(pointer) } }
  return pointers.withUnsafeBufferPointer { buffer in
    guard let base = buffer.baseAddress else { preconditionFailure("an array with a NULL at its end is not empty") }
    return body(base)
  }
}
