import Arrow
import Base
import Checkpointing
import Dataflow
import Keys
import State

/// What the job asks for before it reads a row.
extension EpochKeeper {
  func begin(_ parts: [StagePart]) throws(Failure) {
    var members: Set<EpochCoordinator.Member> = []
    var sinks: Set<EpochCoordinator.Member> = []
    for part in parts {
      if stageIndex[part.place.id] == nil {
        stageIndex[part.place.id] = stages.count
        stages.append(StageKeep(part))
      }
      let member = EpochCoordinator.Member(part.place.id, part.place.subtask)
      members.insert(member)
      if case .sink(transactional: true) = part.kind { sinks.insert(member) }
    }
    coordinator = EpochCoordinator(
      members: members, sinks: sinks, first: lastEpoch.next,
      options: .init(interval: rhythm.interval.wholeNanoseconds, timeout: rhythm.timeout.wholeNanoseconds),
      now: .now)
  }

  func positions(of place: StagePlace) throws(Failure) -> [SplitPosition]? { origin.positions(of: place) }

  func lostPositions(of place: StagePlace) -> [SplitPosition] { origin.lostPositions(of: place) }

  func lacks(_ splits: [String], of place: StagePlace) {
    let what = splits.count > 1 ? "\(splits[0]) and \(splits.count - 1) more are" : "\(splits[0]) is"
    sourceWithoutReplay = sourceWithoutReplay ?? "source '\(place.id)' (\(what) not there as before)"
  }

  func lostTransactions(of place: StagePlace) -> LostTransactions {
    let lost = origin.lostTransactions(of: place)
    // What does not come again is nowhere but in what was prepared.
    if let source = sourceWithoutReplay, !lost.isEmpty, place.subtask == 0 {
      log.warning(
        "sink.rows-kept",
        "sink '\(place.id)' keeps what \(brokenEpochs) shown, as \(source) does not give its rows again; rows of other sources "
          + "may be there twice",
        ["uid": .string(place.id)])
    }
    return LostTransactions(lost, comeAgain: sourceWithoutReplay == nil)
  }

  func tookBack(_ outcome: TakeBack, of place: StagePlace) {
    guard place.subtask == 0 else { return }
    switch outcome {
    case .done(files: 0): break
    case .done(let files):
      log.info(
        "sink.taken-back",
        "sink '\(place.id)' has removed \(files) file\(files == 1 ? "" : "s") that \(brokenEpochs) shown: their rows come again",
        ["uid": .string(place.id), "files": .int(files)])
    case .stays:
      log.warning(
        "sink.rows-again",
        "sink '\(place.id)' cannot take back what \(brokenEpochs) shown: rows behind epoch \(origin.epoch.number) may be there twice",
        ["uid": .string(place.id)])
    }
  }

  /// The damaged epochs that were passed over, and the verb behind them: "damaged epoch 3 has".
  private var brokenEpochs: String {
    let numbers = origin.broken.map { "\($0.epoch.number)" }.joined(separator: ", ")
    return origin.broken.count == 1 ? "damaged epoch \(numbers) has" : "damaged epochs \(numbers) have"
  }

  func transactions(of place: StagePlace) throws(Failure) -> (own: [SinkTransaction], all: [SinkTransaction]) {
    origin.transactions(of: place)
  }

  func restore(
    _ place: StagePlace, _ tables: [StateTable], _ give: (RecordBatch, Int) throws(Failure) -> Void
  ) throws(Failure) -> Bool {
    let (database, goesOn) = try open(place, tables, isShared: false)
    guard goesOn else { return false }
    for table in tables.indices {
      try database.scan(table: table) { batch throws(Failure) in try give(batch, table) }
    }
    database.forgetInherited()
    return true
  }

  func database(of place: StagePlace, _ tables: [StateTable]) throws(Failure) -> StateDatabase? {
    try open(place, tables, isShared: true).database
  }

  /// Makes a subtask's database, and says whether it goes on from that of an epoch.
  ///
  /// - Parameter isShared: the operator reads it too.
  private func open(
    _ place: StagePlace, _ tables: [StateTable], isShared: Bool
  ) throws(Failure) -> (database: StateDatabase, goesOn: Bool) {
    let folder = "\(stateFolder)/\(EpochOrigin.folderName(place.id))/\(place.subtask)"
    guard let keep = stageIndex[place.id].map({ stages[$0] }) else {
      preconditionFailure("a place is told before its state is asked for")
    }
    let (database, goesOn) = try origin.open(
      place, tables, at: folder, maxKeyGroups: subject.maxKeyGroups, memory: memory)
    keep.databases[place.subtask] = SubtaskDatabase(database, folder: folder, isShared: isShared)
    return (database, goesOn)
  }
}
