#include "common/robust_mutex.h"

#include <gtest/gtest.h>

#include <boost/interprocess/sync/scoped_lock.hpp>
#include <vector>

#include "tests/test_util.h"

namespace tally {
namespace {

using Lock = boost::interprocess::scoped_lock<RobustMutex>;

/// What processes share in these tests.
struct Guarded {
  RobustMutex mutex;
  volatile uint64_t number = 0;
};

/// A child that takes the lock and dies with it.
void DieWithLock(const SharedValue<Guarded>& guarded) {
  Child child([&] {
    guarded->mutex.lock();
    raise(SIGKILL);
    return false;
  });
  ASSERT_TRUE(DiedBy(child.Wait(), SIGKILL));
}

TEST(RobustMutexTest, KeepsProcessesApart) {
  const SharedValue<Guarded> guarded;
  constexpr uint64_t kAdditions = 50'000;
  {
    std::vector<Child> children;
    children.reserve(4);
    for (int i = 0; i < 4; ++i) {
      children.emplace_back([&] {
        for (uint64_t addition = 0; addition < kAdditions; ++addition) {
          const Lock lock(guarded->mutex);
          guarded->number = guarded->number + 1;
        }
        return true;
      });
    }
    for (Child& child : children) EXPECT_EQ(child.Wait(), 0);
  }
  EXPECT_EQ(guarded->number, 4 * kAdditions);
  EXPECT_FALSE(guarded->mutex.owner_died());
}

TEST(RobustMutexTest, TryLockSaysWhetherAnotherProcessHoldsIt) {
  const SharedValue<Guarded> guarded;
  const Pipe locked;
  const Pipe release;
  const Pipe released;
  Child child([&] {
    guarded->mutex.lock();
    locked.Send();
    release.Receive();
    guarded->mutex.unlock();
    return released.Send();
  });
  ASSERT_TRUE(locked.Receive());
  EXPECT_FALSE(guarded->mutex.try_lock());
  release.Send();
  ASSERT_TRUE(released.Receive());
  ASSERT_TRUE(guarded->mutex.try_lock());
  EXPECT_FALSE(guarded->mutex.owner_died());
  guarded->mutex.unlock();
}

TEST(RobustMutexTest, TheNextOwnerLearnsThatTheLastOneDied) {
  const SharedValue<Guarded> guarded;
  DieWithLock(guarded);
  guarded->mutex.lock();
  EXPECT_TRUE(guarded->mutex.owner_died());
  guarded->mutex.MarkRepaired();
  EXPECT_FALSE(guarded->mutex.owner_died());
  guarded->mutex.unlock();
  const Lock lock(guarded->mutex);
  EXPECT_FALSE(guarded->mutex.owner_died());
}

TEST(RobustMutexTest, TryLockLearnsItToo) {
  const SharedValue<Guarded> guarded;
  DieWithLock(guarded);
  ASSERT_TRUE(guarded->mutex.try_lock());
  EXPECT_TRUE(guarded->mutex.owner_died());
  guarded->mutex.unlock();
}

TEST(RobustMutexTest, EveryOwnerLearnsItUntilOneMarksItRepaired) {
  const SharedValue<Guarded> guarded;
  DieWithLock(guarded);
  for (int i = 0; i < 2; ++i) {
    const Lock lock(guarded->mutex);
    EXPECT_TRUE(guarded->mutex.owner_died());
  }
  Child repairer([&] {
    const Lock lock(guarded->mutex);
    const bool died = guarded->mutex.owner_died();
    guarded->mutex.MarkRepaired();
    return died;
  });
  EXPECT_EQ(repairer.Wait(), 0);
  const Lock lock(guarded->mutex);
  EXPECT_FALSE(guarded->mutex.owner_died());
}

TEST(RobustMutexTest, ADeathDuringTheRepairIsADeathAgain) {
  const SharedValue<Guarded> guarded;
  for (int i = 0; i < 3; ++i) DieWithLock(guarded);
  {
    const Lock lock(guarded->mutex);
    EXPECT_TRUE(guarded->mutex.owner_died());
    guarded->mutex.MarkRepaired();
  }
  DieWithLock(guarded);
  const Lock lock(guarded->mutex);
  EXPECT_TRUE(guarded->mutex.owner_died());
}

TEST(RobustMutexTest, OneThatWaitsInheritsTheLockOfOneThatDies) {
  const SharedValue<Guarded> guarded;
  const Pipe locked;
  Child owner([&] {
    guarded->mutex.lock();
    locked.Send();
    return pause() == 0;
  });
  ASSERT_TRUE(locked.Receive());
  Child heir([&] {
    const Lock lock(guarded->mutex);
    return guarded->mutex.owner_died();
  });
  heir.WaitUntilBlocked();
  EXPECT_TRUE(DiedBy(owner.Kill(), SIGKILL));
  EXPECT_EQ(heir.Wait(), 0);
}

TEST(NullMutexTest, LocksNothing) {
  NullMutex mutex;
  const boost::interprocess::scoped_lock<NullMutex> lock(mutex);
  EXPECT_TRUE(mutex.try_lock());
  EXPECT_FALSE(mutex.owner_died());
}

}  // namespace
}  // namespace tally
