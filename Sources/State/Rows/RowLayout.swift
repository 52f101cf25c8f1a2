import Arrow
import VolleyPlan

/// How the rows of a schema lie in memory, each in one piece: a row that is found by its key then costs one or two
/// cache misses, however many columns it has. With another header it is how values lie on disks (`StoredRows`), and so
/// it never changes.
///
/// A row: its header (in memory `RowPages.RowHeader`), the values of fixed width, a bit a field that is set for a null,
/// and the bytes of the values of varying length, one after the other. Of those the fixed part holds the ends, counted
/// from the row's start. Structs are their fields, side by side. Lists and maps are bytes of their own format
/// (`NestedBytes`), dictionaries the values that they name, and text has one form, whatever its layout in the column.
struct RowLayout {
  /// A column, or a field of a struct.
  struct Field {
    enum Kind {
      /// Nothing but nulls.
      case none
      case bit
      case fixed(width: Int)
      /// The place is that of four bytes for where the value ends. It begins where the one before it ends, whose place
      /// this is, or where the fixed part does.
      case bytes(after: Int?)
      case record([Field])
    }

    var kind = Kind.none
    var type: DataType
    /// Of the value, from the row's start.
    var place = 0
    /// Which of the row's bits tells of a null.
    var bit: Int
  }

  let fields: [Field]
  /// Where the bits of nulls begin, and how many they are.
  let bitsPlace: Int
  let bitCount: Int
  /// Where the bytes of values of varying length begin.
  let fixedSize: Int

  /// - Parameter header: bytes of a row before the first value.
  init(_ schema: Schema, header: Int = RowPages.RowHeader.byteCount) {
    var places = Places(end: header)
    fields = schema.fields.map { places.field($0.type) }
    bitsPlace = places.end
    bitCount = places.bitCount
    fixedSize = places.end + (places.bitCount + 7) / 8
  }

  /// Gives fields their places.
  private struct Places {
    var end: Int
    var bitCount = 0
    private var lastBytes: Int?

    init(end: Int) { self.end = end }

    mutating func field(_ type: DataType) -> Field {
      var field = Field(type: type, bit: bitCount)
      bitCount += 1
      let stored = RowLayout.storedType(type)
      switch stored.layout {
      case .none: break
      case .bits:
        field.kind = .bit
        field.place = take(1)
      case .fixed(let width):
        field.kind = .fixed(width: width)
        field.place = take(width)
      case .record:
        var children: [Field] = []
        for child in stored.childFields { children.append(self.field(child.type)) }
        field.kind = .record(children)
      default:
        field.kind = .bytes(after: lastBytes)
        field.place = take(4)
        lastBytes = field.place
      }
      return field
    }

    private mutating func take(_ bytes: Int) -> Int {
      defer { end += bytes }
      return end
    }
  }

  /// What values of a type are kept as: those of a dictionary as what they name.
  static func storedType(_ type: DataType) -> DataType {
    if case .dictionary(_, let value, _) = type { return storedType(value) }
    return type
  }
}
