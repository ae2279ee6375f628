namespace Snap.Image.Tests;

/// <summary>The order in which a tree of processes is made again.</summary>
public sealed class TreeShapeTests
{
    [Fact]
    public void A_single_process_of_a_session_led_elsewhere_stays_a_guest()
    {
        TreeShape shape = TreeShape.Of([new TreeNode(10, 1, 5, 4)]);
        Assert.Empty(shape.Steps);
        Assert.Equal(10, Assert.Single(shape.SessionGuests).Pid);
        Assert.Equal(10, Assert.Single(shape.GroupGuests).Pid);
    }

    [Fact]
    public void A_child_in_the_session_that_its_parent_left_is_made_before_the_parent_leaves_it()
    {
        // 11 was made before 10 started its session, 12 after.
        TreeShape shape = TreeShape.Of([new TreeNode(9, 1, 9, 9), new TreeNode(10, 9, 10, 10), new TreeNode(11, 10, 9, 9), new TreeNode(12, 10, 10, 10)]);
        Assert.Empty(shape.Problems);
        Assert.Equal(
        [
            new TreeStep(TreeStepKind.StartSession, 9), new TreeStep(TreeStepKind.Create, 10, 9), new TreeStep(TreeStepKind.Create, 11, 10),
            new TreeStep(TreeStepKind.StartSession, 10), new TreeStep(TreeStepKind.Create, 12, 10),
        ], shape.Steps);
    }

    [Fact]
    public void A_leader_whose_child_is_still_in_the_older_session_is_made_in_that()
    {
        // 11 leads a session, but its child 12 is in 9's: so 11 was in it, too, and 10 had not left it yet.
        TreeShape shape = TreeShape.Of([new TreeNode(9, 1, 9, 9), new TreeNode(10, 9, 10, 10), new TreeNode(11, 10, 11, 11), new TreeNode(12, 11, 9, 9)]);
        Assert.Empty(shape.Problems);
        Assert.Equal(
        [
            new TreeStep(TreeStepKind.StartSession, 9), new TreeStep(TreeStepKind.Create, 10, 9), new TreeStep(TreeStepKind.Create, 11, 10),
            new TreeStep(TreeStepKind.Create, 12, 11), new TreeStep(TreeStepKind.StartSession, 11), new TreeStep(TreeStepKind.StartSession, 10),
        ], shape.Steps);
    }

    [Fact]
    public void A_process_in_a_session_that_none_of_its_ancestors_can_have_left_it_in_is_a_problem()
    {
        TreeShape shape = TreeShape.Of([new TreeNode(9, 1, 9, 9), new TreeNode(10, 9, 10, 10), new TreeNode(11, 9, 10, 10)]);
        Assert.Equal(11, Assert.Single(shape.Problems).Pid);
    }

    [Fact]
    public void A_group_is_joined_after_it_was_started_and_one_that_lost_its_leader_gets_a_stand_in()
    {
        TreeShape shape = TreeShape.Of([new TreeNode(9, 1, 9, 9), new TreeNode(10, 9, 11, 9), new TreeNode(11, 9, 11, 9), new TreeNode(12, 9, 8, 9), new TreeNode(13, 9, 8, 9)]);
        Assert.Empty(shape.Problems);
        Assert.Equal(new TreeNode(8, 9, 8, 9), Assert.Single(shape.StandIns));
        Assert.Equal(
        [
            new TreeStep(TreeStepKind.StartGroup, 11), new TreeStep(TreeStepKind.JoinGroup, 10, 11), new TreeStep(TreeStepKind.Create, 8, 9),
            new TreeStep(TreeStepKind.StartGroup, 8), new TreeStep(TreeStepKind.JoinGroup, 12, 8), new TreeStep(TreeStepKind.JoinGroup, 13, 8),
        ], shape.Steps.Skip(5));
    }
}
