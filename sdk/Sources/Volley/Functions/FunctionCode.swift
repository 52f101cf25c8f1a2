/// User code that a plan names: an id, and what makes an instance of it.
///
/// Two uses of one value are the same function; two values with one id are a mistake that is reported when the plan is built.
final class FunctionCode: Sendable {
  let id: String
  /// Called once a subtask, on any thread.
  let make: @Sendable (TaskContext) throws -> Instance

  init(id: String, make: @escaping @Sendable (TaskContext) throws -> Instance) {
    self.id = id
    self.make = make
  }
}
