#include "json/writer.hpp"

#include <utility>

#include "json/emitter.hpp"

namespace json {

struct Writer::Impl {
  TextStream out;
  Emitter emitter{out};
};

Writer::Writer() : impl_(std::make_unique<Impl>()) {}
Writer::~Writer() = default;
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(Writer&&) noexcept = default;

Writer& Writer::object() {
  impl_->emitter.StartObject();
  return *this;
}

Writer& Writer::array() {
  impl_->emitter.StartArray();
  return *this;
}

Writer& Writer::end() {
  impl_->emitter.end();
  return *this;
}

Writer& Writer::key(std::string_view name) {
  impl_->emitter.string(name);
  return *this;
}

Writer& Writer::value(std::string_view text) {
  impl_->emitter.string(text);
  return *this;
}

Writer& Writer::raw(std::string_view json) {
  impl_->emitter.raw(json);
  return *this;
}

Writer& Writer::write_bool(bool boolean) {
  impl_->emitter.Bool(boolean);
  return *this;
}

Writer& Writer::write_int(std::int64_t number) {
  impl_->emitter.Int64(number);
  return *this;
}

Writer& Writer::write_uint(std::uint64_t number) {
  impl_->emitter.Uint64(number);
  return *this;
}

std::string Writer::take() {
  impl_->emitter.Reset(impl_->out);
  return std::exchange(impl_->out.text, {});
}

}  // namespace json
