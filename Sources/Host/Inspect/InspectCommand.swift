import Base

/// `volley-host inspect`, in the worker.
struct InspectCommand {
  let options: InspectOptions

  init(_ options: InspectOptions) { self.options = options }

  func run() throws(Failure) { throw Failure(.software, "this host cannot show pipelines") }
}
