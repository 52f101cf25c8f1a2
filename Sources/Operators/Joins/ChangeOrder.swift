import Arrow
import State

/// Rows of a batch that may be handled together: those that are taken back first, then the new ones.
struct ChangeOrder {
  /// By slot: the last block that has a new row for it.
  private let newIn = SlotColumn<UInt64>(initial: 0)
  private var block: UInt64 = 0

  struct Block {
    var takenBack: Selection?
    var new: Selection?
  }

  /// - Parameter isTakenBack: by row.
  mutating func blocks(_ isTakenBack: [Bool], _ slots: SlotBuffer, slotCount: Int) -> [Block] {
    newIn.grow(to: slotCount)
    block += 1
    var blocks: [Block] = []
    var (back, new): ([Int], [Int]) = ([], [])
    func end() {
      blocks.append(
        Block(takenBack: back.isEmpty ? nil : Selection(back), new: new.isEmpty ? nil : Selection(new)))
      (back, new) = ([], [])
    }
    for row in 0..<slots.count {
      let slot = Int(slots.pointer[row])
      if !isTakenBack[row] {
        newIn.values[slot] = block
        new.append(row)
        continue
      }
      if newIn.values[slot] == block {
        end()
        block += 1
      }
      back.append(row)
    }
    end()
    return blocks
  }
}
