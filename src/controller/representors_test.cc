#include "controller/representors.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "packet/address.h"

namespace weft::controller {
namespace {

// A folder as /sys/class/net.
class Representors : public testing::Test {
  protected:
    Representors()
        : root_(std::filesystem::temp_directory_path() / ("weft-sysfs-" + std::to_string(getpid()))) {}
    ~Representors() override { std::filesystem::remove_all(root_); }

    void device(const std::string& name, const std::string& address, const std::string& switch_id,
                const std::string& port_name) {
        std::filesystem::create_directories(root_ / name);
        std::ofstream(root_ / name / "address") << address << "\n";
        if (!switch_id.empty()) std::ofstream(root_ / name / "phys_switch_id") << switch_id << "\n";
        if (!port_name.empty()) std::ofstream(root_ / name / "phys_port_name") << port_name << "\n";
    }
    std::string find(const std::string& mac, uint32_t vf) {
        auto found = find_representor(root_, *packet::parse_eth(mac), vf);
        return found ? *found : "error: " + found.message();
    }

    std::filesystem::path root_;
};

TEST_F(Representors, AreFoundByAdapterAndFunction) {
    device("lo", "00:00:00:00:00:00", "", "");
    device("ens1f0", "02:00:00:00:00:42", "aa11", "p0");
    device("ens1f1", "02:00:00:00:00:43", "aa11", "p1");
    device("ens1f0_0", "02:00:00:00:00:42", "aa11", "pf0vf0");
    device("ens1f0_12", "52:00:00:00:00:01", "aa11", "c1pf0vf12");
    device("ens1f1_12", "52:00:00:00:00:02", "aa11", "pf1vf12");
    device("other", "52:00:00:00:00:03", "bb22", "pf0vf3");
    device("plain", "02:00:00:00:00:44", "", "");
    EXPECT_EQ(find("02:00:00:00:00:42", 0), "ens1f0_0");
    EXPECT_EQ(find("02:00:00:00:00:42", 12), "ens1f0_12");
    EXPECT_EQ(find("02:00:00:00:00:43", 12), "ens1f1_12");
    EXPECT_EQ(find("02:00:00:00:00:42", 3), "error: ens1f0 has no representor of virtual function 3");
    EXPECT_EQ(find("02:00:00:00:00:44", 0),
              "error: no network adapter in switchdev mode has the address 02:00:00:00:00:44");
}

TEST_F(Representors, OddNamesAreNone) {
    device("up", "02:00:00:00:00:42", "aa11", "");
    for (const char* name : {"pf0vf", "vf1", "pf0vf1x", "c1", "pf99999999999vf1", "pf0sf1"})
        device(name, "52:00:00:00:00:01", "aa11", name);
    EXPECT_EQ(find("02:00:00:00:00:42", 1), "error: up has no representor of virtual function 1");
    device("r", "52:00:00:00:00:01", "aa11", "pf7vf1");
    EXPECT_EQ(find("02:00:00:00:00:42", 1), "r") << "the uplink does not say which it is";
    EXPECT_TRUE(find_representor("/nonexistent", {}, 0).message().size());
}

}  // namespace
}  // namespace weft::controller
