import Base
import CVolley

/// A table of a plugin's, read only where its size says that something is.
struct PluginTable<Table> {
  let pointer: UnsafePointer<Table>
  /// Leads every message: "plugin 'taxes'" or "plugin '/path/libtaxes.so'".
  let owner: String
  /// As in volley.h.
  let name: String

  /// Checks the header, which every table has.
  init(_ pointer: UnsafePointer<Table>, name: String, owner: String) throws(Failure) {
    self.pointer = pointer
    self.owner = owner
    self.name = name
    let header = UnsafeRawPointer(pointer).loadUnaligned(as: volley_header.self)
    guard header.size >= UInt32(MemoryLayout<volley_header>.size) else {
      throw Failure(
        .plugin,
        "\(owner): table \(name) is \(header.size) bytes, its header alone needs \(MemoryLayout<volley_header>.size); \(Self.remedy)"
      )
    }
    // Plugins of before 1.0 have the same tables.
    guard header.major <= UInt16(VOLLEY_ABI_MAJOR) else {
      throw Failure(
        .plugin,
        "\(owner): table \(name) says ABI \(header.major).\(header.minor), expected major \(VOLLEY_ABI_MAJOR); \(Self.remedy)"
      )
    }
  }

  private static var remedy: String { "initialise its header with VOLLEY_HEADER(\(Table.self))" }

  private var size: Int { Int(UnsafeRawPointer(pointer).loadUnaligned(as: volley_header.self).size) }

  /// Refuses a table in which a slot that must be there is not.
  ///
  /// - Parameter has: the slot's function of volley_slots.h.
  func require<Slot>(
    _ slot: KeyPath<Table, Slot>, _ slotName: String, _ has: (UnsafePointer<Table>) -> Int32
  ) throws(Failure) {
    if has(pointer) != 0 { return }
    // A stored member of a C struct has an offset.
    let needed = MemoryLayout<Table>.offset(of: slot)! + MemoryLayout<Slot>.size
    if size < needed {
      throw Failure(
        .plugin,
        "\(owner): table \(name) is \(size) bytes, the slot '\(slotName)' needs \(needed); \(Self.remedy)")
    }
    throw Failure(
      .plugin, "\(owner): table \(name) has NULL in the slot '\(slotName)', which must be there; fill it in")
  }

  /// Refuses a table without that name slot, and text that is no name.
  func name(
    _ slot: KeyPath<Table, UnsafePointer<CChar>?>, _ slotName: String, _ has: (UnsafePointer<Table>) -> Int32
  ) throws(Failure) -> String {
    try require(slot, slotName, has)
    let text = try self.text(slot, slotName, has, limit: PluginText.nameLimit) ?? ""
    guard !text.isEmpty, !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) else {
      throw Failure(
        .plugin, "\(owner): '\(slotName)' of table \(name) is empty or holds control characters; give it a plain name")
    }
    return text
  }

  /// Text that may be absent.
  func text(
    _ slot: KeyPath<Table, UnsafePointer<CChar>?>, _ slotName: String, _ has: (UnsafePointer<Table>) -> Int32,
    limit: Int = PluginText.textLimit
  ) throws(Failure) -> String? {
    guard has(pointer) != 0, let text = pointer.pointee[keyPath: slot] else { return nil }
    do {
      return try PluginText.read(text, limit: limit)
    } catch {
      throw Failure(.plugin, "\(owner): '\(slotName)' of table \(name) is \(error.sentence)")
    }
  }
}

/// Strings of a plugin's.
enum PluginText {
  /// Bytes of a name.
  static let nameLimit = 127
  /// Bytes of a description or a default value.
  static let textLimit = 1 << 16

  enum Fault: Error {
    case long(limit: Int)
    case notUTF8

    var sentence: String {
      switch self {
      case .long(let limit): "longer than \(limit) bytes; shorten it"
      case .notUTF8: "not UTF-8; encode it so"
      }
    }
  }

  /// The text up to its NUL.
  static func read(_ text: UnsafePointer<CChar>, limit: Int) throws(Fault) -> String {
    var count = 0
    while text[count] != 0 {
      count += 1
      if count > limit { throw .long(limit: limit) }
    }
    let bytes = UnsafeRawBufferPointer(start: text, count: count)
    guard let string = String(validating: bytes, as: UTF8.self) else { throw .notUTF8 }
    return string
  }

  /// Text with a length beside it, cut at `limit` bytes; what is not UTF-8 is replaced.
  static func repaired(_ text: UnsafePointer<CChar>?, length: UInt64, limit: Int) -> String {
    guard let text else { return "" }
    let count = Int(min(length, UInt64(limit)))
    return String(decoding: UnsafeRawBufferPointer(start: text, count: count), as: UTF8.self)
  }
}
