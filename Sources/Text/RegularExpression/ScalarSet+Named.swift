// The sets that have names in RE2's syntax. Perl's and POSIX's are of ASCII only.
extension ScalarSet {
  /// What `\d`, `\s`, `\w` stand for, or nil for another letter.
  static func perl(_ letter: Unicode.Scalar) -> ScalarSet? {
    switch letter {
    case "d": ScalarSet([0x30...0x39])
    case "s": ScalarSet([0x09...0x0A, 0x0C...0x0D, 0x20...0x20])
    case "w": ScalarSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    default: nil
    }
  }

  /// What `[:name:]` stands for.
  static func posix(_ name: String) -> ScalarSet? {
    switch name {
    case "alnum": ScalarSet([0x30...0x39, 0x41...0x5A, 0x61...0x7A])
    case "alpha": ScalarSet([0x41...0x5A, 0x61...0x7A])
    case "ascii": ScalarSet([0x00...0x7F])
    case "blank": ScalarSet([0x09...0x09, 0x20...0x20])
    case "cntrl": ScalarSet([0x00...0x1F, 0x7F...0x7F])
    case "digit": ScalarSet([0x30...0x39])
    case "graph": ScalarSet([0x21...0x7E])
    case "lower": ScalarSet([0x61...0x7A])
    case "print": ScalarSet([0x20...0x7E])
    case "punct": ScalarSet([0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E])
    case "space": ScalarSet([0x09...0x0D, 0x20...0x20])
    case "upper": ScalarSet([0x41...0x5A])
    case "word": perl("w")
    case "xdigit": ScalarSet([0x30...0x39, 0x41...0x46, 0x61...0x66])
    default: nil
    }
  }

  /// What `\p{name}` stands for: a general category ("Lu"), a group of them ("L"), or "Any". Unassigned scalars are in no
  /// category, as in RE2.
  static func unicode(_ name: String) -> ScalarSet? {
    if name == "Any" { return all }
    guard categoryNames.contains(where: { $0.hasPrefix(name) }), !name.isEmpty else { return nil }
    return ScalarSet(categoryRuns.filter { categoryNames[Int($0.category)].hasPrefix(name) }.map(\.scalars))
  }

  private static let categoryNames = [
    "", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po",
    "Sm",
    "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co",
  ]

  /// The scalars in runs of one category; made on first use, from the standard library's data.
  private static let categoryRuns: [(scalars: Span, category: UInt8)] = {
    // The private planes as a whole: only the ends of the planes are not in them. Surrogates are no scalars of Swift's.
    var runs: [(scalars: Span, category: UInt8)] = []
    func append(_ value: UInt32, _ category: UInt8) {
      guard category != 0 else { return }
      if let last = runs.last, last.category == category, last.scalars.upperBound + 1 == value {
        runs[runs.count - 1].scalars = last.scalars.lowerBound...value
      } else {
        runs.append((value...value, category))
      }
    }
    for block in [0..<UInt32(0x4_0000), 0xE_0000..<0xE_1000] {
      for value in block {
        append(value, Unicode.Scalar(value).map { index($0.properties.generalCategory) } ?? surrogate)
      }
    }
    runs.append((0xF_0000...0xF_FFFD, privateUse))
    runs.append((0x10_0000...0x10_FFFD, privateUse))
    return runs
  }()

  private static let surrogate: UInt8 = 28
  private static let privateUse: UInt8 = 29

  /// The category's place in `categoryNames`.
  private static func index(_ category: Unicode.GeneralCategory) -> UInt8 {
    switch category {
    case .uppercaseLetter: 1
    case .lowercaseLetter: 2
    case .titlecaseLetter: 3
    case .modifierLetter: 4
    case .otherLetter: 5
    case .nonspacingMark: 6
    case .spacingMark: 7
    case .enclosingMark: 8
    case .decimalNumber: 9
    case .letterNumber: 10
    case .otherNumber: 11
    case .connectorPunctuation: 12
    case .dashPunctuation: 13
    case .openPunctuation: 14
    case .closePunctuation: 15
    case .initialPunctuation: 16
    case .finalPunctuation: 17
    case .otherPunctuation: 18
    case .mathSymbol: 19
    case .currencySymbol: 20
    case .modifierSymbol: 21
    case .otherSymbol: 22
    case .spaceSeparator: 23
    case .lineSeparator: 24
    case .paragraphSeparator: 25
    case .control: 26
    case .format: 27
    case .surrogate: surrogate
    case .privateUse: privateUse
    case .unassigned: 0
    @unknown default: 0
    }
  }
}
