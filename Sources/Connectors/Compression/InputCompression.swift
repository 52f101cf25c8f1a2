import Arrow
import Base
import Glibc

/// How the files of a source are compressed: told by each file itself, unless the source's option `compression` says so.
struct InputCompression: Sendable {
  enum Choice: Sendable, Hashable {
    /// By a file's first bytes, else by the end of its name.
    case auto
    case plain
    case codec(String)
  }

  let choice: Choice
  let codecs: CodecSet
  let uid: String
  /// Leads messages: "source 'orders' (csv)".
  let place: String

  /// What is not compressed, whatever it looks like.
  static let plain = InputCompression(choice: .plain, codecs: .none, uid: "", place: "")

  init(choice: Choice, codecs: CodecSet, uid: String, place: String) {
    self.choice = choice
    self.codecs = codecs
    self.uid = uid
    self.place = place
  }

  /// Reads the option `compression`: "auto", "none" or the name of a codec.
  init(_ options: inout ConnectorOptions, _ codecs: CodecSet, uid: String) throws(Failure) {
    let text = try options.string("compression") ?? "auto"
    let choice: Choice =
      switch text {
      case "auto": .auto
      case "none": .plain
      default: .codec(text)
      }
    if case .codec(let name) = choice { _ = try codecs.codec(named: name, for: options.place) }
    self.init(choice: choice, codecs: codecs, uid: uid, place: options.place)
  }

  /// What the first bytes of an input mean. A file whose name is that of compressed ones is taken for one also when its content
  /// does not look so: damaged data must not be read as text.
  ///
  /// - Parameter isWhole: nothing follows them.
  func detect(_ head: UnsafeRawBufferPointer, isWhole: Bool, name: String) -> CodecSet.Detection {
    switch choice {
    case .plain: return .plain
    case .codec(let codec): return .codec(codec)
    case .auto:
      // An empty file is no rows, compressed or not.
      if head.isEmpty { return isWhole ? .plain : .undecided }
      let found = codecs.detect(head, isWhole: isWhole)
      guard found == .plain, let codec = codecs.name(forSuffixOf: name) else { return found }
      return .codec(codec)
    }
  }

  /// Whether a file can be read from its middle.
  func isPlain(_ path: String) -> Bool {
    guard choice == .auto else { return choice == .plain }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return true }
    defer { close(descriptor) }
    return withUnsafeTemporaryAllocation(byteCount: CodecSet.magicLimit, alignment: 1) { head in
      let count = max(0, pread(descriptor, head.baseAddress, head.count, 0))
      return detect(UnsafeRawBufferPointer(rebasing: head[..<count]), isWhole: true, name: path) == .plain
    }
  }

  func makeCoder(_ name: String, for path: String) throws(Failure) -> any BufferCoder {
    try codecs.codec(named: name, for: "\(place): \(path)").makeCoder(uid: uid)
  }
}
