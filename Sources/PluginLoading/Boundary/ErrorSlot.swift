import Base
import CVolley

/// The error struct and the message's memory that the host hands to a call. One call at a time uses it.
struct ErrorSlot: ~Copyable {
  let pointer: UnsafeMutablePointer<volley_error>
  private let message: UnsafeMutablePointer<CChar>
  /// Bytes of a message.
  static let messageCapacity = 4096

  init() {
    pointer = .allocate(capacity: 1)
    message = .allocate(capacity: Self.messageCapacity)
    pointer.initialize(to: volley_error())
    message.initialize(repeating: 0, count: Self.messageCapacity)
    reset()
  }

  deinit {
    pointer.deallocate()
    message.deallocate()
  }

  /// Makes it ready for a call, whatever the last one wrote.
  func reset() {
    message.pointee = 0
    pointer.pointee = volley_error(
      header: volley_header(
        size: UInt32(MemoryLayout<volley_error>.size), major: UInt16(VOLLEY_ABI_MAJOR), minor: UInt16(VOLLEY_ABI_MINOR)),
      code: 0, domain: 0, retry: 0, message_length: 0, message_capacity: UInt32(Self.messageCapacity), reserved: 0,
      message: message)
  }

  /// What a status other than `VOLLEY_OK` means.
  ///
  /// - Parameters:
  ///   - place: "plugin 'taxes': function 'tax'".
  ///   - slot: the call.
  ///   - userKind: the kind of a failure that the author's code or data is at fault for.
  func failure(_ status: Int32, place: String, slot: String, userKind: Failure.Kind = .data) -> Failure {
    guard status == VOLLEY_FAILED else {
      return Failure(
        .software,
        "\(place) returned the unknown status \(status) from '\(slot)', expected \(VOLLEY_OK) or \(VOLLEY_FAILED); correct the plugin"
      )
    }
    let error = pointer.pointee
    return Self.failure(error, message, place: place, slot: slot, userKind: userKind)
  }

  /// What an error of the plugin's own making means, on any thread.
  static func failure(_ error: UnsafePointer<volley_error>, place: String, slot: String) -> Failure {
    guard volley_error_has_message(error) != 0 else {
      return Failure(.software, "\(place) failed in '\(slot)': it gives no reason")
    }
    return failure(error.pointee, error.pointee.message, place: place, slot: slot, userKind: .data)
  }

  private static func failure(
    _ error: volley_error, _ message: UnsafePointer<CChar>?, place: String, slot: String, userKind: Failure.Kind
  ) -> Failure {
    // The host's own memory and capacity count, whatever the plugin wrote beside them. A length that goes on past the
    // text shows in NULs.
    let bytes = PluginText.repaired(message, length: UInt64(error.message_length), limit: messageCapacity)
    var text = String(bytes.prefix { $0 != "\0" })
    if text.isEmpty { text = "it gives no reason" }
    if error.code != 0 { text += " (code \(error.code))" }
    let kind: Failure.Kind =
      switch error.domain {
      case VOLLEY_DOMAIN_USER: userKind
      case VOLLEY_DOMAIN_EXTERNAL: .io
      default: .software
      }
    var failure = Failure(
      kind, retryable: error.retry == VOLLEY_RETRY_LATER, "\(place) failed in '\(slot)': \(text)")
    failure.refusesRecords = kind == .data
    return failure
  }
}

/// Errors that the host reports to a plugin: fills in the plugin's struct, as far as its maker's header reaches.
func report(
  _ failure: Failure, to error: UnsafeMutablePointer<volley_error>?
) -> Int32 {
  guard let error, volley_error_has_message(error) != 0 else { return VOLLEY_FAILED }
  error.pointee.code = 0
  error.pointee.retry = failure.retryable ? VOLLEY_RETRY_LATER : VOLLEY_RETRY_NEVER
  error.pointee.domain =
    switch failure.domain {
    case .user: VOLLEY_DOMAIN_USER
    case .external: VOLLEY_DOMAIN_EXTERNAL
    case .internal: VOLLEY_DOMAIN_INTERNAL
    }
  var text = failure.message
  text.withUTF8 { bytes in
    let count = min(bytes.count, Int(error.pointee.message_capacity))
    UnsafeMutableRawPointer(error.pointee.message).copyMemory(
      from: UnsafeRawPointer(bytes.baseAddress!), byteCount: count)
    error.pointee.message_length = UInt32(count)
  }
  return VOLLEY_FAILED
}
