// What is told of a later map: every change that an operator may see, and nothing else.

#include "core/map_news.hpp"
#include "support/cluster_maps.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;

TEST_CASE("a map says what is different from the one before, node by node") {
  auto before = map_of_nodes({nth_cluster_node(0), nth_cluster_node(1)});
  CHECK(news_between(before, before).empty());
  auto changed = nth_cluster_node(1, node_state::draining);
  changed.weight = before.nodes()[1].weight + 1;
  auto now = before.next({changed, nth_cluster_node(2, node_state::joining)});
  REQUIRE(now);
  auto news = news_between(before, *now);
  REQUIRE(news.size() == 3);
  CHECK(news[0].node == nth_node(1));
  CHECK(news[0].what == "up -> draining");
  CHECK(news[1].what == "weight 1 -> 2");
  CHECK(news[2].node == nth_node(2));
  CHECK(news[2].what == "is new, joining");
}
