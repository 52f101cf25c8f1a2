import Synchronization

/// The parameters that were read before anything was given to them, while something is made for the host.
///
/// `wrappedValue` cannot throw; so it notes here what it was asked too early, and who called the author's code throws.
final class ParameterReads: Sendable {
  private struct Read: Sendable {
    var parameter: ObjectIdentifier
    var type: String
    var isMissing: Bool
  }

  private let reads = Mutex<[Read]>([])

  /// What notes the reads of this thread; nil when nothing is being made for a host.
  @TaskLocal static var current: ParameterReads?

  func note(_ parameter: ObjectIdentifier, type: String, isMissing: Bool) {
    reads.withLock { $0.append(Read(parameter: parameter, type: type, isMissing: isMissing)) }
  }

  /// Refuses a value whose own `init` has read its parameters: what is given later would not count.
  ///
  /// - Parameter noun: "parameter" or "option".
  func check(_ list: ParameterList, noun: String, of owner: String, readIn place: String) throws(VolleyError) {
    let reads = reads.withLock { $0 }
    for entry in list.entries where reads.contains(where: { $0.parameter == entry.parameter.identity }) {
      throw VolleyError(
        "\(noun) '\(entry.name)' of \(owner) is read in 'init', before its value is known: read it in \(place)")
    }
  }

  /// Refuses code that has read a parameter that nobody sets: one of a value that is not the one that the host made.
  func checkRest(of owner: String) throws(VolleyError) {
    guard let read = reads.withLock({ $0.first { $0.isMissing } }) else { return }
    throw VolleyError(
      "\(owner) reads a @Parameter of type \(read.type) that has neither default nor value: only those of the value that "
        + "the host makes are set, so assign it before it is read")
  }
}
