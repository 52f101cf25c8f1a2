import CVolley

/// An error that tells the host more than its text: whose fault it is, and whether trying again may help. Any other error
/// that user code throws counts as the user's own, not to be tried again.
public struct VolleyError: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Domain: Sendable, Hashable {
    /// The author's code or data is at fault.
    case user
    /// Something outside is at fault: a broker, a disk, a network.
    case external
    /// Volley is at fault.
    case `internal`
  }

  /// One sentence that a person can act on.
  public var message: String
  public var domain: Domain
  /// Whether trying again later may help.
  public var retry: Bool
  /// The author's own number; printed beside the message when it is not 0.
  public var code: Int32

  public init(_ message: String, domain: Domain = .user, retry: Bool = false, code: Int32 = 0) {
    self.message = message
    self.domain = domain
    self.retry = retry
    self.code = code
  }

  public var description: String { message }
}

extension VolleyError {
  /// Any error as one that the boundary can carry.
  init(any error: any Error) {
    self = error as? VolleyError ?? VolleyError("\(error)")
  }

  /// Writes the error where the host looks for it; text that does not fit is cut at a character's end.
  func write(to target: UnsafeMutablePointer<volley_error>?) {
    guard let target else { return }
    target.pointee.code = code
    switch domain {
    case .user: target.pointee.domain = VOLLEY_DOMAIN_USER
    case .external: target.pointee.domain = VOLLEY_DOMAIN_EXTERNAL
    case .internal: target.pointee.domain = VOLLEY_DOMAIN_INTERNAL
    }
    target.pointee.retry = retry ? VOLLEY_RETRY_LATER : VOLLEY_RETRY_NEVER
    target.pointee.message_length = 0
    guard volley_error_has_message(target) != 0, let memory = target.pointee.message else { return }
    var text = message
    var count = 0
    let capacity = Int(target.pointee.message_capacity)
    text.withUTF8 { bytes in
      count = min(bytes.count, capacity)
      while count > 0 && count < bytes.count && bytes[count] & 0xC0 == 0x80 { count -= 1 }
      for index in 0..<count { memory[index] = CChar(bitPattern: bytes[index]) }
    }
    target.pointee.message_length = UInt32(count)
  }
}
