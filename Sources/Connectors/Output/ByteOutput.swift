import Base

/// Where the bytes of a part go: a file, or standard output.
protocol ByteOutput: AnyObject {
  /// Whether somebody may read what is written before all of it is.
  var isSeen: Bool { get }
  /// - Throws: `io`: a full disk, a broken one, a closed pipe.
  func write(_ bytes: UnsafePointer<UInt8>, _ count: Int) throws(Failure)
  /// All is written.
  func commit() throws(Failure)
  /// What was written is on the disk, if there is one.
  func sync() throws(Failure)
  /// Nothing more is written, and what was written stays where it is.
  func leave()
  /// What was written is not to be, as far as that can be had.
  func discard()
}

extension OutputFile: ByteOutput {}
