import Arrow
import Base
import Dataflow
import State

/// What windows that spill have beside their panes: the database, their share of memory, and when rows came and keys went.
final class SpilledWindows {
  let database: StateDatabase
  private let reservation: StateReservation
  /// Subtasks that grow alike would otherwise take memory from each other as windows come and go, until one has too little for a
  /// batch.
  private let share: Int
  /// Is never given back, so that a batch has room whatever others take.
  private let least: Int
  /// Bytes that were reserved last.
  private(set) var reserved = 0
  /// Times that rows were added to a window; as it was at the last eviction.
  private var additions = 0
  private(set) var additionsAtEviction = 0
  /// Of windows that are gone: keys that were looked for, and that left memory.
  private(set) var counts: (sought: Int, evicted: Int) = (0, 0)

  private static let mostHeld = 4 << 20

  /// - Parameters:
  ///   - limit: bytes of all state of the job.
  ///   - parallelism: how many subtasks the operator has.
  init(_ database: StateDatabase, _ reservation: StateReservation, limit: Int, parallelism: Int) {
    self.database = database
    self.reservation = reservation
    share = limit / parallelism
    least = min(share / 32, Self.mostHeld)
  }

  /// Reserves so many bytes if they are within the share and there.
  func fits(_ bytes: Int) -> Bool {
    guard bytes <= share else { return false }
    do throws(Failure) { try reserve(bytes, keyCount: 0) } catch { return false }
    return true
  }

  /// Reserves so many bytes also beyond the share.
  func reserve(_ bytes: Int, keyCount: Int) throws(Failure) {
    try reservation.set(max(bytes, least), keyCount: keyCount)
    reserved = max(bytes, least)
  }

  func noteAddition(to pane: Pane) {
    additions += 1
    pane.lastAddition = additions
  }

  func noteEviction() { additionsAtEviction = additions }

  /// The window has entries in the database that are not in memory.
  func noteMissing(_ pane: Pane) {
    if pane.residents != nil { return }
    let residents = ResidentKeys(database, isWhole: false)
    residents.noteAll(pane.table.slotCount) { _ in false }
    pane.residents = residents
  }

  /// The window, or pane, goes, or all that it has is in memory.
  func count(_ pane: Pane) {
    counts.sought += pane.residents?.soughtCount ?? 0
    counts.evicted += pane.residents?.evictedCount ?? 0
  }
}
