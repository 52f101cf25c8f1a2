import Keys
import TestSupport
import Testing

@Suite("Key groups")
struct KeyGroupTests {
  @Test("are the hash modulo their number")
  func modulo() {
    var generator = SeededGenerator()
    for count in [1, 2, 3, 7, 128, 256, 1000, 32768] {
      for _ in 0..<100 {
        let hash = generator.next()
        #expect(KeyGroup.of(hash, maxKeyGroups: count).index == Int(hash % UInt64(count)), "\(generator)")
      }
    }
  }

  @Test("are given to subtasks in contiguous ranges that cover all and differ by one at most")
  func ranges() {
    for count in Array(1...40) + [128, 256, 1000] {
      for parallelism in 1...min(count, 130) {
        let assignment = KeyGroupAssignment(maxKeyGroups: count, parallelism: parallelism)
        var next = 0
        for subtask in 0..<parallelism {
          let groups = assignment.groups(of: subtask)
          #expect(groups.lowerBound == next)
          #expect(groups.count == count / parallelism || groups.count == (count + parallelism - 1) / parallelism)
          for group in groups {
            #expect(assignment.subtask(of: KeyGroup(group)) == subtask)
            #expect(group * parallelism / count == subtask)
          }
          next = groups.upperBound
        }
        #expect(next == count)
      }
    }
  }

  @Test("send each hash to the subtask of its group")
  func targets() {
    var generator = SeededGenerator()
    for count in [1, 5, 256, 300] {
      for parallelism in [1, min(2, count), min(5, count), count] {
        let assignment = KeyGroupAssignment(maxKeyGroups: count, parallelism: parallelism)
        let hashes = (0..<500).map { _ in generator.next() }
        var targets = [UInt32](repeating: .max, count: 500)
        assignment.targets(hashes, count: 500, into: &targets)
        for (hash, target) in zip(hashes, targets) {
          #expect(assignment.subtask(of: KeyGroup.of(hash, maxKeyGroups: count)) == Int(target), "\(generator)")
        }
      }
    }
  }
}
