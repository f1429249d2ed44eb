#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "util/result.hpp"

namespace json {

/// A view of one JSON value inside a Document, which must outlive it. Cheap to copy. It knows its
/// path ("params.destinations[3].amount"), and every error of a typed read names that path, what
/// was expected and what stood there. Error code: -32602 (invalid params).
class Value {
 public:
  [[nodiscard]] bool is_null() const;
  [[nodiscard]] bool is_object() const;
  [[nodiscard]] bool is_array() const;
  [[nodiscard]] bool is_string() const;
  [[nodiscard]] bool is_number() const;
  [[nodiscard]] bool is_bool() const;
  /// Characters without quotes that are no JSON (100000sat), as only Document::read lets them in. lightningd's commands
  /// take them for what a string of these characters would be, nearly always; here they are no string.
  [[nodiscard]] bool is_word() const;

  [[nodiscard]] util::Result<bool> boolean() const;
  /// The text, valid as long as the Document.
  [[nodiscard]] util::Result<std::string_view> string() const;
  [[nodiscard]] util::Result<std::uint64_t> u64() const;
  [[nodiscard]] util::Result<std::uint32_t> u32() const;
  [[nodiscard]] util::Result<std::int64_t> i64() const;

  /// Member of an object; an error when this is no object or the member is missing.
  [[nodiscard]] util::Result<Value> field(std::string_view name) const;
  /// Member of an object; nothing when missing or null, or when this is no object.
  [[nodiscard]] std::optional<Value> find(std::string_view name) const;
  /// Typed members in one step: the same as field(name) followed by the typed read.
  [[nodiscard]] util::Result<std::string_view> string(std::string_view name) const;
  [[nodiscard]] util::Result<std::uint64_t> u64(std::string_view name) const;
  [[nodiscard]] util::Result<bool> boolean(std::string_view name) const;

  /// Elements of an array (empty for anything else), members of an object (likewise), in order;
  /// members that occur twice come twice.
  [[nodiscard]] std::vector<Value> elements() const;
  [[nodiscard]] std::vector<std::pair<std::string_view, Value>> members() const;
  [[nodiscard]] std::size_t size() const;

  /// This value as compact JSON text. Numbers keep their value, integers their digits; words become strings.
  [[nodiscard]] std::string dump() const;
  /// The same, with words as they were typed: for lightningd's reader and Document::read, which know them.
  [[nodiscard]] std::string as_typed() const;
  /// as_typed() cut to at most `limit` bytes, for error messages.
  [[nodiscard]] std::string excerpt(std::size_t limit = 80) const;
  [[nodiscard]] const std::string& path() const { return path_; }
  /// The same value under another name in error messages.
  [[nodiscard]] Value renamed(std::string path) const { return Value(raw_, std::move(path)); }

 private:
  friend class Document;
  Value(const void* raw, std::string path) : raw_(raw), path_(std::move(path)) {}
  [[nodiscard]] util::Error expected(std::string_view what) const;

  const void* raw_;  // a rapidjson::Value; this header keeps RapidJSON out of every other file
  std::string path_;
};

/// Owns one parsed JSON text.
class Document {
 public:
  /// `name` is the root of all paths. Nesting deeper than 100 levels is an error, not a crash.
  [[nodiscard]] static util::Result<Document> parse(std::string_view text, std::string name);
  /// What lightningd passes on, which need not be JSON: read strictly when it can be, otherwise as lightningd reads it
  /// (json/lenient.hpp). A text in which the name of a member is escaped is read as lightningd does, too: it compares
  /// what stands between the quotes.
  [[nodiscard]] static util::Result<Document> read(std::string_view text, std::string name);

  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  ~Document();

  [[nodiscard]] Value root() const;
  /// Why read() had to be lenient about the form. Nothing when the text is JSON but for the bytes of
  /// its strings.
  [[nodiscard]] const std::optional<util::Error>& flaw() const;

 private:
  struct Impl;
  explicit Document(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace json
