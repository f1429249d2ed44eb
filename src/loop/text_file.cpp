#include "loop/text_file.hpp"

#ifdef __linux__
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <cerrno>
#endif

namespace loop {

namespace {

constexpr std::size_t large = 32768;  // below it, the calls cost more than the copy

}  // namespace

#if defined(__linux__) && defined(MFD_ALLOW_SEALING)

std::shared_ptr<const TextFile> TextFile::make(const std::string& text) {
  const int fd = ::memfd_create("text", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return nullptr;
  std::shared_ptr<const TextFile> file(new TextFile(fd));
  if (::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) return nullptr;
  // What is on its way is these very pages: they must never change.
  if (::fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) return nullptr;
  return file;
}

TextFile::~TextFile() { ::close(fd_); }

std::optional<std::size_t> TextFile::send(int socket, std::size_t begin, std::size_t size) const {
  auto at = static_cast<off_t>(begin);
  const auto end = static_cast<off_t>(begin + size);
  while (at < end) {
    if (::sendfile(socket, fd_, &at, static_cast<std::size_t>(end - at)) <= 0) break;
  }
  const auto sent = static_cast<std::size_t>(at) - begin;
  if (sent == 0 && errno != EAGAIN) return std::nullopt;
  return sent;
}

#else

std::shared_ptr<const TextFile> TextFile::make(const std::string&) { return nullptr; }

TextFile::~TextFile() = default;

std::optional<std::size_t> TextFile::send(int, std::size_t, std::size_t) const { return std::nullopt; }

#endif

std::shared_ptr<const TextFile> TextFiles::of(const util::SharedText& text) {
  if (text->size() < large) return nullptr;
  if (last_.lock() != text) {
    last_ = text;
    file_.reset();
  } else if (!file_) {
    file_ = TextFile::make(*text);
  }
  return file_;
}

}  // namespace loop
