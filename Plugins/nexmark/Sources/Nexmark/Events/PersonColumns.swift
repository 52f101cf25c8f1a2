import Volley

/// The persons of a batch.
struct PersonColumns {
  static let averageBytes = 200

  private static let states: [StaticString] = ["AZ", "CA", "ID", "OR", "WA", "WY"]
  private static let cities: [StaticString] = [
    "Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend", "Redmond", "Seattle", "Kent", "Cheyenne",
  ]
  private static let firstNames: [StaticString] = [
    "Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter",
  ]
  private static let lastNames: [StaticString] = [
    "Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris",
  ]

  let rows: StructBuilder
  private let ids: UnsafeMutableBufferPointer<Int64>
  private let times: UnsafeMutableBufferPointer<Timestamp>
  private var names: ColumnBuilder<String>
  private var emailAddresses: ColumnBuilder<String>
  private var creditCards: ColumnBuilder<String>
  private var cities: ColumnBuilder<String>
  private var states: ColumnBuilder<String>
  private var extras: ColumnBuilder<String>

  /// - Parameter count: rows of the batch, of all kinds.
  init(_ batch: BatchBuilder, count: Int) throws {
    rows = try batch.structColumn("person")
    var ids: ColumnBuilder<Int64> = try rows.field("id")
    var times: ColumnBuilder<Timestamp> = try rows.field("dateTime")
    self.ids = ids.unsafeAppend(count: count)
    self.times = times.unsafeAppend(count: count)
    names = try rows.field("name")
    emailAddresses = try rows.field("emailAddress")
    creditCards = try rows.field("creditCard")
    cities = try rows.field("city")
    states = try rows.field("state")
    extras = try rows.field("extra")
  }

  /// Writes event `number` as row `row`, the next one of the texts.
  mutating func write(
    _ number: Int64, at time: Timestamp, row: Int, _ random: inout EventRandom, _ texts: SharedTexts,
    _ scratch: inout ByteText
  ) {
    ids[row] = Auctions.newestPerson(number) + Auctions.firstPerson
    times[row] = time
    var size = 8
    func append(to column: inout ColumnBuilder<String>) {
      column.append(utf8: scratch.bytes)
      size += scratch.count
      scratch.clear()
    }
    scratch.append(Self.firstNames[Int(random.below(11))])
    scratch.append(" ")
    scratch.append(Self.lastNames[Int(random.below(9))])
    append(to: &names)
    EventTexts.appendWord(longest: 7, blank: UInt8(ascii: " "), to: &scratch, &random)
    scratch.append("@")
    EventTexts.appendWord(longest: 5, blank: UInt8(ascii: " "), to: &scratch, &random)
    scratch.append(".com")
    append(to: &emailAddresses)
    for part in 0..<4 {
      if part > 0 { scratch.append(" ") }
      let digits = random.below(10_000)
      for power: Int64 in [1000, 100, 10, 1] { scratch.append(UInt8(ascii: "0") + UInt8(digits / power % 10)) }
    }
    append(to: &creditCards)
    scratch.append(Self.cities[Int(random.below(10))])
    append(to: &cities)
    scratch.append(Self.states[Int(random.below(6))])
    append(to: &states)
    let padding = EventTexts.paddingCount(size: size, average: Self.averageBytes, &random)
    extras.append(utf8: texts.padding(padding, &random))
  }
}
