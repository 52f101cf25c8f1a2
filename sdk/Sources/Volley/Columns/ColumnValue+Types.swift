import VolleyPlan

extension Bool: ColumnValue {
  public typealias Base = Bool
  public typealias Reader = BitReader
  public typealias Writer = BitWriter
  public static var dataType: DataType { .bool }
}

extension Int8: ColumnValue {
  public typealias Base = Int8
  public typealias Reader = FixedReader<Int8>
  public typealias Writer = FixedWriter<Int8>
  public static var dataType: DataType { .int8 }
}

extension Int16: ColumnValue {
  public typealias Base = Int16
  public typealias Reader = FixedReader<Int16>
  public typealias Writer = FixedWriter<Int16>
  public static var dataType: DataType { .int16 }
}

extension Int32: ColumnValue {
  public typealias Base = Int32
  public typealias Reader = FixedReader<Int32>
  public typealias Writer = FixedWriter<Int32>
  public static var dataType: DataType { .int32 }
}

extension Int64: ColumnValue {
  public typealias Base = Int64
  public typealias Reader = FixedReader<Int64>
  public typealias Writer = FixedWriter<Int64>
  public static var dataType: DataType { .int64 }
}

extension Int: ColumnValue {
  public typealias Base = Int
  public typealias Reader = FixedReader<Int>
  public typealias Writer = FixedWriter<Int>
  public static var dataType: DataType { .int64 }
}

extension UInt8: ColumnValue {
  public typealias Base = UInt8
  public typealias Reader = FixedReader<UInt8>
  public typealias Writer = FixedWriter<UInt8>
  public static var dataType: DataType { .uint8 }
}

extension UInt16: ColumnValue {
  public typealias Base = UInt16
  public typealias Reader = FixedReader<UInt16>
  public typealias Writer = FixedWriter<UInt16>
  public static var dataType: DataType { .uint16 }
}

extension UInt32: ColumnValue {
  public typealias Base = UInt32
  public typealias Reader = FixedReader<UInt32>
  public typealias Writer = FixedWriter<UInt32>
  public static var dataType: DataType { .uint32 }
}

extension UInt64: ColumnValue {
  public typealias Base = UInt64
  public typealias Reader = FixedReader<UInt64>
  public typealias Writer = FixedWriter<UInt64>
  public static var dataType: DataType { .uint64 }
}

extension UInt: ColumnValue {
  public typealias Base = UInt
  public typealias Reader = FixedReader<UInt>
  public typealias Writer = FixedWriter<UInt>
  public static var dataType: DataType { .uint64 }
}

extension Float16: ColumnValue {
  public typealias Base = Float16
  public typealias Reader = FixedReader<Float16>
  public typealias Writer = FixedWriter<Float16>
  public static var dataType: DataType { .float16 }
}

extension Float: ColumnValue {
  public typealias Base = Float
  public typealias Reader = FixedReader<Float>
  public typealias Writer = FixedWriter<Float>
  public static var dataType: DataType { .float32 }
}

extension Double: ColumnValue {
  public typealias Base = Double
  public typealias Reader = FixedReader<Double>
  public typealias Writer = FixedWriter<Double>
  public static var dataType: DataType { .float64 }
}

extension CalendarDate: ColumnValue {
  public typealias Base = CalendarDate
  public typealias Reader = FixedReader<CalendarDate>
  public typealias Writer = FixedWriter<CalendarDate>
  public static var dataType: DataType { .date32 }
}

extension Timestamp: ColumnValue {
  public typealias Base = Timestamp
  public typealias Reader = FixedReader<Timestamp>
  public typealias Writer = FixedWriter<Timestamp>
  public static var dataType: DataType { .timestamp }
}

extension Duration: ColumnValue {
  public typealias Base = Duration
  public typealias Reader = DurationReader
  public typealias Writer = DurationWriter
  public static var dataType: DataType { .duration(.microsecond) }
}

extension String: ColumnValue {
  public typealias Base = String
  public typealias Reader = TextReader
  public typealias Writer = TextWriter
  public static var dataType: DataType { .utf8 }
}

extension Array: FunctionValue, ColumnValue where Element == UInt8 {
  public typealias Base = [UInt8]
  public typealias Reader = ByteReader
  public typealias Writer = ByteWriter
  public static var dataType: DataType { .binary }
}
