/// The head of a frame: RFC 9113 section 4.1.
struct HTTP2FrameHead: Equatable {
  /// Bytes of the payload that follows.
  var length: Int
  var type: UInt8
  var flags: UInt8
  /// 0 for the connection.
  var stream: Int32

  static let byteCount = 9

  static let endStream: UInt8 = 1
  static let acknowledgement: UInt8 = 1
  static let endHeaders: UInt8 = 4
}

/// The types of frames: RFC 9113 section 6.
enum HTTP2FrameType {
  static let data: UInt8 = 0
  static let headers: UInt8 = 1
  static let priority: UInt8 = 2
  static let reset: UInt8 = 3
  static let settings: UInt8 = 4
  static let pushPromise: UInt8 = 5
  static let ping: UInt8 = 6
  static let goAway: UInt8 = 7
  static let windowUpdate: UInt8 = 8
  static let continuation: UInt8 = 9
}

/// What a server is greeted with, before the first frame: RFC 9113 section 3.4.
enum HTTP2Preface {
  static let client = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
}
