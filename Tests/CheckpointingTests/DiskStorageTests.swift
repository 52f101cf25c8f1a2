import DurabilityTestSupport
import Glibc
import TestSupport
import Testing

@testable import Checkpointing

@Suite("Files of a disk")
struct DiskStorageTests {
  @Test("are there after a power failure, whole and under their names, once they and their folder were synced")
  func syncs() throws {
    var generator = SeededGenerator()
    let (folder, storage) = (TemporaryFolder(), DiskStorage())
    let power = PowerLoss(folder.path)
    defer { power.end() }
    let path = folder.file("file")
    try storage.write(Array("content".utf8), to: path, onlyNew: true)
    try storage.syncFolder(folder.path)
    power.fail(.everything, &generator)
    #expect(folder.read("file") == [])
    try storage.write(Array("content".utf8), to: path, onlyNew: false)
    try storage.syncFile(path)
    try storage.copy(path, to: folder.file("copy"))
    try storage.syncFile(folder.file("copy"))
    power.fail(.everything, &generator)
    #expect(folder.read("file") == Array("content".utf8) && folder.read("copy") == nil)
    try storage.makeFolder(folder.file("below"), in: folder.path)
    try storage.link(path, to: folder.file("below/link"))
    try storage.rename(path, to: folder.file("below/renamed"))
    try storage.syncFolder(folder.file("below"))
    power.fail(.everything, &generator)
    #expect(folder.read("below/link") == Array("content".utf8) && folder.read("below/renamed") == folder.read("file"))
  }

  @Test("get a name that nobody has, unless they are to replace who has it")
  func names() throws {
    let (folder, storage) = (TemporaryFolder(), DiskStorage())
    let (first, second) = (folder.write("first", "1"), folder.write("second", "2"))
    #expect(throws: StorageProblem(.write, first, code: EEXIST)) {
      try storage.write([0x33], to: first, onlyNew: true)
    }
    #expect(throws: StorageProblem(.write, first, code: EEXIST)) { try storage.copy(second, to: first) }
    #expect(throws: StorageProblem(.link, first, code: EEXIST)) { try storage.link(second, to: first) }
    #expect(folder.read("first") == [0x31])
    try storage.link(second, to: folder.file("third"))
    #expect(folder.read("third") == [0x32])
    try storage.rename(second, to: first)
    #expect(folder.read("first") == [0x32] && folder.read("second") == nil)
    try storage.write([0x34], to: first, onlyNew: false)
    #expect(folder.read("first") == [0x34] && folder.read("third") == [0x34])
  }

  @Test("have the names that each has alone when many are read at the same time, also where one is missing")
  func contentNames() throws {
    let (folder, storage) = (TemporaryFolder(), DiskStorage())
    for count in [0, 1, 2, 3, 40] {
      var paths = (0..<count).map { folder.write("file \($0)", String(repeating: "\($0)", count: 1 + $0 * 3000)) }
      if count == 3 { paths[1] = folder.file("nothing") }
      let found = storage.contentNames(paths)
      #expect(found.count == count)
      for (path, result) in zip(paths, found) {
        let alone = Result { () throws(StorageProblem) in try storage.contentName(path) }
        #expect(result == alone)
        if path.hasSuffix("nothing") { #expect(throws: StorageProblem(.read, path, code: ENOENT)) { try result.get() } }
      }
    }
  }
}
