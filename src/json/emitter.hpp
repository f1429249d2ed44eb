#pragma once

#include <rapidjson/writer.h>

#include <string>
#include <string_view>

namespace json {

/// RapidJSON's output stream concept over a std::string. Unlike rapidjson::StringBuffer it gives
/// its text away without a copy and does not reserve six bytes for each byte of a string.
struct TextStream {
  using Ch = char;
  void Put(char c) { text += c; }
  void Flush() {}
  std::string text;
};

/// RapidJSON's writer, with strings of any content and fast raw texts. For the files of this folder
/// only: this header includes RapidJSON.
class Emitter : public rapidjson::Writer<TextStream> {
 public:
  using rapidjson::Writer<TextStream>::Writer;

  /// A string value, or a key where one is due.
  bool string(std::string_view text);
  /// A string value or key whose characters need no escape, or are escaped.
  bool quoted(std::string_view text);
  /// A JSON text as it stands.
  bool raw(std::string_view json);
  /// Ends the innermost object or array; without one does nothing.
  bool end();
};

}  // namespace json
