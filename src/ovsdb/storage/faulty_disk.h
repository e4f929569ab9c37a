// For tests: a file system in memory that tells what was written from what is on the disk, and that fails or
// loses power when told to.
//
// Every call that changes something is a step.  At the step `fail_at` it returns `error`; from the step
// `crash_at` on the machine is off: nothing has an effect any more.  after_crash() gives a disk as it may be
// found then: what was synced, and of the rest any part, by sectors; renames and removals that were not
// synced happened up to any one.

#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "ovsdb/storage/file.h"

namespace weft::ovsdb {

class FaultyDisk final : public FileSystem {
  public:
    static constexpr uint64_t kNever = UINT64_MAX;
    uint64_t fail_at = kNever, fail_until = kNever;  // steps, the first and the one after the last
    int error = EIO;
    uint64_t crash_at = kNever;
    uint64_t capacity = UINT64_MAX;                                // bytes of all files; then ENOSPC
    size_t max_write = SIZE_MAX;                                   // writes are cut to so many bytes
    std::function<void(const std::string& contents)> before_sync;  // of a file

    uint64_t steps() const { return steps_; }
    bool crashed() const { return steps_ > crash_at; }

    std::unique_ptr<FaultyDisk> after_crash(std::mt19937& random) const {
        auto disk = std::make_unique<FaultyDisk>();
        Names names = durable_names_;
        size_t happened = pending_names_.empty() ? 0 : random() % (pending_names_.size() + 1);
        if (happened) names = pending_names_[happened - 1];
        for (const auto& [name, inode] : names) {
            auto found = std::make_shared<Inode>();
            found->durable = inode->after_crash(random);
            found->contents = found->durable;
            disk->names_[name] = disk->durable_names_[name] = found;
        }
        return disk;
    }
    std::string contents(const std::string& path) const {
        auto it = names_.find(path);
        return it == names_.end() ? "" : it->second->contents;
    }
    void set_contents(const std::string& path, std::string contents) {
        auto inode = std::make_shared<Inode>();
        inode->contents = inode->durable = std::move(contents);
        names_[path] = durable_names_[path] = inode;
    }
    bool exists(const std::string& path) const { return names_.count(path) != 0; }
    size_t files() const { return names_.size(); }
    // As if somebody else did it.
    void remove_now(const std::string& path) { names_.erase(path); }

    int open(const std::string& path, Mode mode, std::unique_ptr<File>* file) override {
        std::lock_guard lock(mutex_);
        auto it = names_.find(path);
        if (mode == Mode::kCreate) {
            if (it != names_.end()) return EEXIST;
            if (int failed = step()) return failed;
            auto inode = std::make_shared<Inode>();
            if (!crashed()) {
                names_[path] = inode;
                pending_names_.push_back(names_);
            }
            *file = std::make_unique<FaultyFile>(*this, inode);
            return 0;
        }
        if (it == names_.end()) return ENOENT;
        *file = std::make_unique<FaultyFile>(*this, it->second);
        return 0;
    }
    int rename(const std::string& from, const std::string& to) override {
        std::lock_guard lock(mutex_);
        if (int failed = step()) return failed;
        auto it = names_.find(from);
        if (it == names_.end()) return ENOENT;
        if (crashed()) return 0;
        auto inode = it->second;
        names_.erase(it);
        names_[to] = inode;
        pending_names_.push_back(names_);
        return 0;
    }
    int remove(const std::string& path) override {
        std::lock_guard lock(mutex_);
        if (!names_.count(path)) return ENOENT;
        if (int failed = step()) return failed;
        if (crashed()) return 0;
        names_.erase(path);
        pending_names_.push_back(names_);
        return 0;
    }
    int sync_directory(const std::string&) override {
        std::lock_guard lock(mutex_);
        if (int failed = step()) return failed;
        if (crashed()) return 0;
        durable_names_ = names_;
        pending_names_.clear();
        return 0;
    }
    std::string real_path(const std::string& path) override { return path; }
    Result<LockFile> lock(const std::string&) override { return LockFile(); }

  private:
    static constexpr size_t kSector = 512;

    struct Inode {
        std::string contents, durable;

        // Any sectors of what was not synced, and a size between the two.
        std::string after_crash(std::mt19937& random) const {
            std::string found = durable;
            size_t low = std::min(contents.size(), durable.size()),
                   high = std::max(contents.size(), durable.size());
            size_t size = low + (high > low ? random() % (high - low + 1) : 0);
            // Space that was given but not written reads as zeros.
            found.resize(size, '\0');
            for (size_t at = 0; at < size; at += kSector) {
                if (random() % 2) continue;
                for (size_t i = at; i < std::min({size, at + kSector, contents.size()}); ++i)
                    found[i] = contents[i];
            }
            return found;
        }
    };
    using Names = std::map<std::string, std::shared_ptr<Inode>>;

    class FaultyText final : public FileText {
      public:
        explicit FaultyText(std::string text) : text_(std::move(text)) {}
        std::string_view text() const override { return text_; }
        void release_before(size_t) override {}

      private:
        std::string text_;
    };

    class FaultyFile final : public File {
      public:
        FaultyFile(FaultyDisk& disk, std::shared_ptr<Inode> inode) : disk_(disk), inode_(std::move(inode)) {}
        int write(std::string_view bytes, uint64_t offset, size_t* written) override {
            std::lock_guard lock(disk_.mutex_);
            if (int failed = disk_.step()) return failed;
            size_t size = std::min(bytes.size(), disk_.max_write);
            if (disk_.crashed()) {
                *written = size;
                return 0;
            }
            std::string& contents = inode_->contents;
            uint64_t others = disk_.used() - contents.size();
            uint64_t room = disk_.capacity > others ? disk_.capacity - others : 0;
            if (room <= offset) return ENOSPC;
            size = static_cast<size_t>(std::min<uint64_t>(size, room - offset));
            if (contents.size() < offset + size) contents.resize(offset + size, '\0');
            contents.replace(offset, size, bytes.substr(0, size));
            *written = size;
            return 0;
        }
        int read(char* out, size_t size, uint64_t offset, size_t* got) override {
            std::lock_guard lock(disk_.mutex_);
            const std::string& contents = inode_->contents;
            *got = offset < contents.size() ? contents.copy(out, size, offset) : 0;
            return 0;
        }
        int sync() override {
            if (disk_.before_sync) disk_.before_sync(inode_->contents);
            std::lock_guard lock(disk_.mutex_);
            if (int failed = disk_.step()) return failed;
            if (!disk_.crashed()) inode_->durable = inode_->contents;
            return 0;
        }
        int truncate(uint64_t size) override {
            std::lock_guard lock(disk_.mutex_);
            if (int failed = disk_.step()) return failed;
            if (!disk_.crashed()) inode_->contents.resize(size, '\0');
            return 0;
        }
        int size(uint64_t* size) override {
            std::lock_guard lock(disk_.mutex_);
            *size = inode_->contents.size();
            return 0;
        }
        int copy_mode(File&) override { return 0; }
        int check_name(const std::string& path) override {
            std::lock_guard lock(disk_.mutex_);
            auto it = disk_.names_.find(path);
            return it == disk_.names_.end() ? ENOENT : it->second == inode_ ? 0 : ESTALE;
        }
        int map(std::unique_ptr<FileText>* text) override {
            std::lock_guard lock(disk_.mutex_);
            *text = std::make_unique<FaultyText>(inode_->contents);
            return 0;
        }

      private:
        FaultyDisk& disk_;
        std::shared_ptr<Inode> inode_;
    };

    int step() {
        uint64_t now = steps_++;
        return now >= fail_at && now < fail_until && !crashed() ? error : 0;
    }
    uint64_t used() const {
        uint64_t bytes = 0;
        for (const auto& [name, inode] : names_) bytes += inode->contents.size();
        return bytes;
    }

    std::mutex mutex_;
    uint64_t steps_ = 0;
    Names names_, durable_names_;
    std::vector<Names> pending_names_;  // after each change that was not synced
};

}  // namespace weft::ovsdb
