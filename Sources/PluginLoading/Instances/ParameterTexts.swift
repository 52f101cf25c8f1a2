import Glibc
import VolleyPlan

/// The JSON texts of a pipeline's parameters as C strings, for `parameters/1`.
final class ParameterTexts: @unchecked Sendable {  // Written once, before anybody else sees it.
  private var texts: [String: UnsafeMutablePointer<CChar>] = [:]

  init(_ values: [(name: String, value: JSONValue)]) {
    for (name, value) in values { texts[name] = strdup(value.text) }
  }

  deinit { for text in texts.values { free(text) } }

  /// Valid while this object is.
  func text(of name: String) -> UnsafePointer<CChar>? { texts[name].map { UnsafePointer($0) } }
}
