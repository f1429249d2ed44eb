#pragma once

#include <rapidjson/document.h>
#include <rapidjson/memorystream.h>

#include <cstddef>
#include <string_view>

#include "json/emitter.hpp"

namespace json {

/// Nesting of objects and arrays that a text may have.
constexpr unsigned max_depth = 100;

// What JSON has no kind for is kept as a DOM string that begins with one of these bytes, which no string of a text can,
// because neither is UTF-8. A number that is no 64-bit integer (1.5, 1e3, 20 digits) keeps its own digits, so that no
// number ever becomes a double or loses a digit. A word is what only lightningd's reader takes: characters without
// quotes that are no number and no literal (100000sat, 0100, -).
constexpr char number_mark = '\xff';
constexpr char word_mark = '\xfe';

/// The DOM, built from the events of a reader: RapidJSON's, or the lenient one. The events declared here hide those of
/// rapidjson::Document; returning false stops the reader. For the files of this folder only.
class Builder final : public rapidjson::Document {
 public:
  /// Reads strict JSON. Where the reader stopped and why is in the result, or in complaint() when an event stopped it.
  [[nodiscard]] rapidjson::ParseResult read(std::string_view text);
  /// Takes the DOM from events that other code makes; false when `events` returned false.
  template <class Events>
  [[nodiscard]] bool build(Events events) {
    bool built = false;
    auto generator = [&events, &built](Base&) { return built = events(); };
    Populate(generator);
    return built;
  }

  /// Why an event returned false.
  [[nodiscard]] const char* complaint() const { return complaint_; }
  /// Whether the name of some member was written with an escape. Only after a strict read.
  [[nodiscard]] bool has_escaped_names() const { return escaped_names_; }

  bool StartObject() { return deeper() && Base::StartObject(); }
  bool StartArray() { return deeper() && Base::StartArray(); }
  bool EndObject(rapidjson::SizeType count) {
    --depth_;
    return Base::EndObject(count);
  }
  bool EndArray(rapidjson::SizeType count) {
    --depth_;
    return Base::EndArray(count);
  }
  bool Key(const char* text, rapidjson::SizeType size, bool copy) {
    escaped_names_ |= stream_ != nullptr && !is_written_as({text, size});
    return String(text, size, copy);
  }
  bool String(const char* text, rapidjson::SizeType size, bool copy);
  bool RawNumber(const char* text, rapidjson::SizeType size, bool copy);
  bool word(std::string_view text) { return marked(word_mark, text); }

 private:
  using Base = rapidjson::Document;

  bool deeper();
  bool marked(char mark, std::string_view text);
  [[nodiscard]] bool is_written_as(std::string_view name) const;

  const rapidjson::MemoryStream* stream_ = nullptr;  // while it is read, at the byte after the event's text
  unsigned depth_ = 0;
  bool escaped_names_ = false;
  const char* complaint_ = "";
};

}  // namespace json
