import Base

/// `volley-host run`, in the worker.
struct RunCommand {
  let options: RunOptions

  init(_ options: RunOptions) { self.options = options }

  func run() throws(Failure) { throw Failure(.software, "this host cannot run pipelines") }
}
