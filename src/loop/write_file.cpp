#include "loop/write_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "util/str.hpp"

namespace loop {

using util::Error;
using util::Result;
using util::str;

namespace {

Error failed(const char* deed, const std::string& path) {
  return Error{-1, str("cannot ", deed, " ", path, ": ", std::strerror(errno)), {}};
}

/// Deletes itself when it is done; between its start and its end the pool's thread has it to itself.
struct Write {
  uv_work_t work{};
  std::weak_ptr<Engine> engine;
  std::string path;
  std::string text;
  util::Function<void(Result<void>)> done;
  Result<void> outcome;
  bool made = false;  ///< the partial file, by us

  void carry_out() {
    const std::string partial = path + ".part";
    outcome = write(partial);
    if (outcome && std::rename(partial.c_str(), path.c_str()) != 0) outcome = failed("write", path);
    if (!outcome && made) ::unlink(partial.c_str());
  }

  [[nodiscard]] Result<void> write(const std::string& where) {
    // Others may write in the directory: what they have put there is neither followed nor written to.
    const int descriptor = ::open(where.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (descriptor < 0) return failed("write", path);
    made = true;
    std::FILE* file = ::fdopen(descriptor, "w");
    if (file == nullptr) {
      const auto error = failed("write", path);
      ::close(descriptor);
      return error;
    }
    const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
    if (written && std::fclose(file) == 0) return {};
    const auto error = failed("write", path);
    if (!written) std::fclose(file);
    return error;
  }

  void report() {
    const auto alive = engine.lock();
    if (!alive) return;
    alive->post([then = std::move(done), result = std::move(outcome)]() mutable { then(std::move(result)); });
  }
};

}  // namespace

Result<void> can_write_in(const std::string& directory) {
  // The rest of the name would be lost on the system.
  if (directory.find('\0') != std::string::npos)
    return Error{-1, "cannot write in a directory with a NUL in its name", {}};
  struct stat found {};
  if (::stat(directory.c_str(), &found) != 0) return failed("write in", directory);
  errno = ENOTDIR;
  if (!S_ISDIR(found.st_mode)) return failed("write in", directory);
  if (::access(directory.c_str(), W_OK | X_OK) != 0) return failed("write in", directory);
  return {};
}

void write_file(const std::shared_ptr<Engine>& engine, const std::string& path, std::string text,
                util::Function<void(Result<void>)> done) {
  auto* const write = new Write{{}, engine, path, std::move(text), std::move(done), {}, false};
  write->work.data = write;
  uv_queue_work(
      engine->uv(), &write->work, [](uv_work_t* work) { static_cast<Write*>(work->data)->carry_out(); },
      [](uv_work_t* work, int) {
        const std::unique_ptr<Write> finished(static_cast<Write*>(work->data));
        finished->report();
      });
}

}  // namespace loop
