import Base
import Dataflow
import Operators

/// Random numbers of one instance: SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014),
/// begun anew behind each barrier, so that a run that goes on from an epoch takes the same numbers as the one before.
///
/// By the thread of a call.
final class InstanceRandom {
  private let place: UInt64
  private let cursor: EpochCursor
  private var epoch: Epoch
  private var state: UInt64
  /// Where the last call that succeeded has left it.
  private var kept: UInt64

  init(_ place: UserCodePlace) {
    // FNV-1a, whose bits the mixing spreads.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in "\(place.uid)/\(place.subtask.id.index)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    self.place = hash
    cursor = place.subtask.epoch
    epoch = cursor.last
    state = Self.mixed(self.place &+ Self.mixed(epoch.number))
    kept = state
  }

  func next() -> UInt64 {
    if epoch != cursor.last { restart() }
    state &+= Self.step
    return Self.mixed(state)
  }

  /// A call has ended. What one that failed has taken comes again.
  func endCall(succeeded: Bool) {
    if succeeded { kept = state } else { state = kept }
  }

  @inline(never)  // Once an epoch.
  private func restart() {
    epoch = cursor.last
    state = Self.mixed(place &+ Self.mixed(epoch.number))
    kept = state
  }

  private static let step: UInt64 = 0x9E37_79B9_7F4A_7C15

  private static func mixed(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
