import VolleyPlan

/// A join of changelogs whose rows live for a while, row by row.
struct ExpiringJoinModel {
  private struct Kept {
    var row: JoinRun.Row
    var came: Int64
    var hasPartner: Bool
  }

  let kind: Plan.JoinKind
  let hasCondition: Bool
  let timeToLive: Int64
  /// Rows that were told, and not taken back.
  private(set) var told: [String] = []
  /// Rows that were taken back when they were kept no longer.
  private(set) var dropped = 0
  private var kept: [[Kept]] = [[], []]

  init(kind: Plan.JoinKind, hasCondition: Bool, timeToLive: Int64) {
    self.kind = kind
    self.hasCondition = hasCondition
    self.timeToLive = timeToLive
  }

  mutating func process(_ changes: [(kind: String, row: JoinRun.Row)], _ input: Int, at now: Int64) {
    for side in 0...1 { kept[side].removeAll { $0.came + timeToLive <= now } }
    for change in changes {
      if change.kind.hasPrefix("+") { add(change.row, input, now) } else { takeBack(change.row, input) }
    }
  }

  private mutating func add(_ row: JoinRun.Row, _ input: Int, _ now: Int64) {
    let partners = partners(of: row, input)
    for partner in partners {
      tellPair(row, kept[1 - input][partner].row, input, isNew: true)
      if kept[1 - input][partner].hasPartner { continue }
      kept[1 - input][partner].hasPartner = true
      tellState(kept[1 - input][partner].row, 1 - input, hasPartner: false, isNew: false)
      tellState(kept[1 - input][partner].row, 1 - input, hasPartner: true, isNew: true)
    }
    tellState(row, input, hasPartner: !partners.isEmpty, isNew: true)
    if row.k != nil { kept[input].append(Kept(row: row, came: now, hasPartner: !partners.isEmpty)) }
  }

  private mutating func takeBack(_ row: JoinRun.Row, _ input: Int) {
    guard row.k != nil else { return tellState(row, input, hasPartner: false, isNew: false) }
    guard let place = kept[input].firstIndex(where: { $0.row == row }) else {
      dropped += 1
      return
    }
    let hadPartner = kept[input].remove(at: place).hasPartner
    for partner in partners(of: row, input) {
      let other = kept[1 - input][partner].row
      tellPair(row, other, input, isNew: false)
      if !partners(of: other, 1 - input).isEmpty { continue }
      kept[1 - input][partner].hasPartner = false
      tellState(other, 1 - input, hasPartner: true, isNew: false)
      tellState(other, 1 - input, hasPartner: false, isNew: true)
    }
    tellState(row, input, hasPartner: hadPartner, isNew: false)
  }

  private func partners(of row: JoinRun.Row, _ input: Int) -> [Int] {
    kept[1 - input].indices.filter { index in
      let other = kept[1 - input][index].row
      let (left, right) = input == 0 ? (row, other) : (other, row)
      return row.k != nil && row.k == other.k && (!hasCondition || (left.v ?? 0) < (right.v ?? 0))
    }
  }

  private mutating func tellPair(_ row: JoinRun.Row, _ other: JoinRun.Row, _ input: Int, isNew: Bool) {
    if kind == .semi || kind == .anti { return }
    let (left, right) = input == 0 ? (row, other) : (other, row)
    tell(text(left, right), isNew)
  }

  /// Tells a row as one with or without a partner, where the kind does.
  private mutating func tellState(_ row: JoinRun.Row, _ input: Int, hasPartner: Bool, isNew: Bool) {
    let tells =
      switch kind {
      case .inner: false
      case .left, .anti: input == 0 && !hasPartner
      case .right: input == 1 && !hasPartner
      case .full: !hasPartner
      case .semi: input == 0 && hasPartner
      }
    if tells { tell(input == 0 ? text(row, nil) : text(nil, row), isNew) }
  }

  private mutating func tell(_ row: String, _ isNew: Bool) {
    if isNew {
      told.append(row)
    } else if let place = told.firstIndex(of: row) {
      told.remove(at: place)
    }
  }

  private func text(_ left: JoinRun.Row?, _ right: JoinRun.Row?) -> String {
    func number(_ value: Int64?) -> String { value.map { "\($0)" } ?? "null" }
    let row = "\(number(left?.k ?? right?.k)) \(number(left?.v)) \(number(left?.t))"
    return kind == .semi || kind == .anti ? row : row + " \(number(right?.v)) \(number(right?.t))"
  }
}
